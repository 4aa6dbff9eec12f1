"""How functions are compiled.

No compiled function allocates or keeps an array: memory is handed to it, so that nothing is counted that refers to it,
which takes long to compile.
"""

import gc
from functools import cached_property
from typing import Any

from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, Flags
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import InlineOverloads, NativeLowering, NopythonRewrites
from numba.core.untyped_passes import (
    DeadBranchPrune,
    FindLiterallyCalls,
    InlineClosureLikes,
    LiteralPropagationSubPipelinePass,
    LiteralUnroll,
    MakeFunctionToJitFunction,
    RewriteDynamicRaises,
    WithLifting,
)

#: Passes over what functions here do not have: closures, contexts, exceptions, `literally`, array expressions, and
#: branches that types decide.
_NEEDLESS = (
    DeadBranchPrune,
    FindLiterallyCalls,
    InlineClosureLikes,
    InlineOverloads,
    LiteralPropagationSubPipelinePass,
    LiteralUnroll,
    MakeFunctionToJitFunction,
    NopythonRewrites,
    RewriteDynamicRaises,
    WithLifting,
)


class KnownFlags(Flags):
    """Numba's choices for a function, which it asks for at every call that it types: worked out once."""

    @cached_property
    def _known(self) -> tuple[dict[str, Any], int]:
        values = super().values()
        return values, hash(tuple(sorted(values)))

    def values(self) -> dict[str, Any]:
        """Return all choices by name."""
        return self._known[0]

    def __hash__(self) -> int:
        return self._known[1]

    def copy(self) -> Flags:
        """Return choices that can be changed."""
        return Flags(self)


class ChangingFlags(Flags):
    """Choices whose copy, which Numba takes when it begins, no longer changes."""

    def copy(self) -> KnownFlags:
        """Return the choices as they are now."""
        return KnownFlags(self)


class _Library(JITCodeLibrary):
    """Code that is optimised when it is whole: Numba would optimise every function by itself before."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self.codegen._data_layout


class _PartLibrary(_Library):
    """Code that is only linked into other code: optimised and made machine code there, not before."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


def _begin(state: Any, kind: type[_Library]) -> None:
    """Have a function lowered into a library of some kind."""
    state.library = kind(state.targetctx.codegen(), state.func_id.func_qualname)
    state.library.enable_object_caching()


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "own_lowering"

    def run_pass(self, state: Any) -> bool:
        _begin(state, _Library)
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        _begin(state, _PartLibrary)
        state.flags.no_compile = True
        super().run_pass(state)
        made = state.cr
        module, name = made.fndesc.lookup_module(), made.fndesc.qualname
        # What stands for the machine code that there is not.
        name = _dynfunc.make_function(module, name, "", 0, made.env, (state.library,))
        state.targetctx.insert_user_function(name, made.fndesc, [state.library])
        state.cr = made._replace(cfunc=name)
        return True


class WholeCompiler(Compiler):
    """Numba's compiler, without the passes that are not needed, for functions that Python calls."""

    lowering: type[NativeLowering] = _Lowering

    def compile_extra(self, func: Any) -> Any:
        """Compile a function without looking for waste on the way, of which there is little."""
        self.state.flags = ChangingFlags(self.state.flags)
        collects = gc.isenabled()
        gc.disable()
        try:
            return super().compile_extra(func)
        finally:
            if collects:
                gc.enable()

    def define_pipelines(self) -> list[PassManager]:
        """Return Numba's pipelines without what is not needed, and with a lowering of our own."""
        managers = super().define_pipelines()
        for manager in managers:
            passes = [(each, text) for each, text in manager.passes if each not in _NEEDLESS]
            manager.passes = [(self.lowering if each is NativeLowering else each, text) for each, text in passes]
            manager.finalize()
        return managers


class PartCompiler(WholeCompiler):
    """The same for functions that only compiled code calls."""

    lowering = _PartLowering


COMPILED: Any = {
    "boundscheck": False,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,
    "pipeline_class": WholeCompiler,
}
#: Of functions that only compiled code calls: no way in from Python.
INNER: Any = {
    **COMPILED,
    "no_cpython_wrapper": True,
    "pipeline_class": PartCompiler,
}
#: Of those whose code stands where they are called.
INLINED: Any = {**INNER, "forceinline": True}
