"""Contexts and decorators that change what recording does, in one thread and in several."""

import threading

import pytest

import autograd_lite as al


@pytest.fixture
def w():
    return al.tensor(2.0, requires_grad=True)


def test_watch_and_record_lines_work_as_decorators(w):
    seen = []

    @al.watch(lambda op, args, attrs, result: seen.append(op.name))
    def watched():
        return w * 3

    @al.record_lines()
    def noted():
        return w * 3

    watched()
    watched()
    assert seen == ["multiply", "multiply"]
    assert noted().node.notes.site[0] == __file__
    assert (w * 3).node.notes is None


def test_no_grad_decorates_with_and_without_parentheses(w):
    assert not al.no_grad(lambda: w * 3)().requires_grad
    assert not al.no_grad()(lambda: w * 3)().requires_grad
    with al.no_grad():
        assert al.enable_grad(lambda: w * 3)().requires_grad
    assert (w * 3).requires_grad


def test_no_grad_of_a_generator_holds_in_its_steps_and_not_between(w):
    @al.no_grad()
    def steps():
        answer = yield w * 2
        yield w * answer
        return "end"

    generator = steps()
    assert not next(generator).requires_grad
    assert (w * 2).requires_grad
    assert not generator.send(5.0).requires_grad
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "end"


def test_set_grad_enabled_acts_as_a_statement(w):
    al.set_grad_enabled(False)
    try:
        assert not (w * 3).requires_grad
        assert not al.is_grad_enabled()
    finally:
        al.set_grad_enabled(True)
    assert (w * 3).requires_grad


def test_set_grad_enabled_ends_with_its_context(w):
    with al.set_grad_enabled(False):
        assert not (w * 3).requires_grad
        with al.set_grad_enabled(True):
            assert (w * 3).requires_grad
        assert not (w * 3).requires_grad
    assert (w * 3).requires_grad

    @al.set_grad_enabled(False)
    def f():
        return w * 3

    assert (w * 3).requires_grad
    assert not f().requires_grad


def test_one_context_object_entered_in_two_threads_at_once_leaves_both_as_they_were(w):
    shared = al.no_grad()
    inside, leave = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
    results = []

    def run():
        with shared:
            inside.wait()
            results.append((w * 3).requires_grad)
            leave.wait()
        results.append((w * 3).requires_grad)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(results) == [False, False, True, True]


def test_a_context_is_left_when_its_body_raises(w):
    with pytest.raises(KeyError), al.no_grad():
        raise KeyError
    assert (w * 3).requires_grad
