import pytest

from app.settings import SettingsError, from_env


def test_an_unknown_setting_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="AIOBS_PROT is not a setting"):
        from_env({"AIOBS_PROT": "1"})


@pytest.mark.parametrize(
    ("name", "value"), [("AIOBS_PORT", "x"), ("AIOBS_PORT", "0"), ("AIOBS_DEMO", "maybe")]
)
def test_a_malformed_setting_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_env({name: value})


def test_an_open_address_needs_authentication() -> None:
    with pytest.raises(SettingsError, match="AIOBS_AUTH=keys"):
        from_env({"AIOBS_HOST": "0.0.0.0"})
    assert from_env({"AIOBS_HOST": "0.0.0.0", "AIOBS_AUTH": "keys"}).auth == "keys"


def test_values_take_the_type_of_their_default() -> None:
    settings = from_env({"AIOBS_PORT": "9000", "AIOBS_SCHEDULER": "off", "PATH": "/bin"})
    assert (settings.port, settings.scheduler) == (9000, False)


def test_a_reserved_setting_must_stay_empty() -> None:
    with pytest.raises(SettingsError, match="AIOBS_EVENTS_URL"):
        from_env({"AIOBS_EVENTS_URL": "http://127.0.0.1:5080"})
