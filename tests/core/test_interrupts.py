import signal

import pytest

from faststyle_fastai.core.interrupts import interrupts


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with interrupts() as pressed:
            signal.raise_signal(signal.SIGTERM)
        assert not pressed and signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_first_one_waits_and_the_second_interrupts(term):
    with pytest.raises(KeyboardInterrupt), interrupts() as pressed:
        term()
        assert pressed == [True]
        term()


def test_one_that_is_passed_on_interrupts_at_once_and_is_known(term):
    with interrupts(pass_on=True) as pressed:
        with pytest.raises(KeyboardInterrupt):
            term()
        assert pressed == [True]
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
