"""How functions are compiled.

No compiled function allocates or keeps an array: memory is handed to it, so that nothing is counted that refers to it,
which takes long to compile.
"""

from typing import Any

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import NativeLowering


class _PartLibrary(JITCodeLibrary):
    """Code that is only linked into other code: optimised and made machine code there, not before.

    Numba would do both for the part by itself, and again at every level of callers.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        made = state.cr
        module, name = made.fndesc.lookup_module(), made.fndesc.qualname
        # What stands for the machine code that there is not.
        name = _dynfunc.make_function(module, name, "", 0, made.env, (state.library,))
        state.targetctx.insert_user_function(name, made.fndesc, [state.library])
        state.cr = made._replace(cfunc=name)
        return True


class _PartCompiler(Compiler):
    def define_pipelines(self) -> list[PassManager]:
        """Return Numba's pipelines with the lowering above."""
        managers = super().define_pipelines()
        for manager in managers:
            passes = [(_PartLowering if each is NativeLowering else each, text) for each, text in manager.passes]
            manager.passes = passes
            manager.finalize()
        return managers


COMPILED: Any = {"boundscheck": False, "error_model": "numpy", "no_cfunc_wrapper": True, "_nrt": False}
#: Of functions that only compiled code calls: no way in from Python.
INNER: Any = {
    **COMPILED,
    "no_cpython_wrapper": True,
    "pipeline_class": _PartCompiler,
}
#: Of those whose code stands where they are called.
INLINED: Any = {**INNER, "forceinline": True}
