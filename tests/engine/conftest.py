"""What tests of saved networks have in common."""

import pytest

from truly_sparse.engine import store
from truly_sparse.errors import UserError


@pytest.fixture
def refusal(tmp_path):
    """Return the function that returns why saved arrays are no network: the one line, without file and advice."""

    def why(arrays):
        path = tmp_path / "member.npz"
        store.save(arrays, path)
        with pytest.raises(UserError) as error:
            store.load(path)
        said, advice = str(error.value), "; delete it and train again"
        assert said.startswith(f"{path}: ")
        assert said.endswith(advice)
        return said.removeprefix(f"{path}: ").removesuffix(advice)

    return why
