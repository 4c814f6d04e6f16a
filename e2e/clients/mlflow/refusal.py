"""What a test expects of a request that the server refuses."""

import contextlib

import pytest
from mlflow.exceptions import MlflowException


@contextlib.contextmanager
def refused(code, match=""):
    """Expects the client to raise with MLflow's error code."""
    with pytest.raises(MlflowException, match=match) as error:
        yield error
    assert error.value.error_code == code, error.value
