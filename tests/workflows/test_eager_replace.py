"""self.replace() in a task that is run here and now: what the task sees of it, and what the caller does."""

import pytest

from sqlqueue import chain, group
from sqlqueue.domain.which import Which
from sqlqueue.errors import EnqueueError, NotRegistered


@pytest.fixture(params=["apply", "always eager"])
def send(request, stage):
    """Return what runs a signature here and now."""
    if request.param == "always eager":
        stage.app.conf.task_always_eager = True
        return lambda sig: sig.delay()
    return lambda sig: sig.apply()


def test_the_job_keeps_its_id_and_its_family(stage, send):
    ids = stage.ids
    result = send(stage.swap.s(sig=ids.si()))
    assert result.get() == [result.id, result.id, None, None]
    result = send(stage.swap.s(sig=chain(ids.si(), ids.si())))
    assert result.get()[:2] == [result.id, result.id]
    members = send(stage.swap.s(sig=group(ids.si(), ids.si()))).get()
    assert len({root for _, root, _, _ in members}) == 1


def test_jobs_of_a_chain_have_the_one_before_for_parent(stage, send):
    last = send(chain(stage.ids.si(), stage.ids.si()))
    job_id, root, parent, _ = last.get()
    assert len({job_id, root, parent}) == 2
    assert root == parent


def test_a_task_may_be_replaced_by_itself_a_great_many_times(stage, send):
    @stage.app.task(bind=True)
    def count(self, left):
        if left:
            self.replace(self.si(left - 1))
        return self.request.retries

    assert send(count.s(2000)).get() == 0


def test_each_replacement_may_be_retried_anew(stage, send):
    @stage.app.task(bind=True, max_retries=1)
    def shaky(self, replaced):
        if not self.request.retries:
            raise self.retry(countdown=0)
        if not replaced:
            self.replace(self.si(True))
        return self.request.retries

    assert send(shaky.s(False)).get() == 1


def test_throw_raises_what_the_replacement_has_raised(stage):
    with pytest.raises(ValueError, match="boom"):
        stage.swap.apply(kwargs={"sig": stage.fail.s(message="boom")}, throw=True)
    stage.app.conf.task_always_eager = stage.app.conf.task_eager_propagates = True
    with pytest.raises(ValueError, match="boom"):
        stage.swap.delay(sig=stage.fail.s(message="boom"))


def test_what_cannot_stand_in_its_place_fails_the_job(stage, send):
    @stage.app.task(unique_key="one")
    def unique(): ...

    assert isinstance(send(stage.swap.s(sig=unique.si())).result, EnqueueError)
    assert isinstance(send(stage.swap.s(sig=stage.app.signature("nobody"))).result, NotRegistered)


def test_nothing_is_sent(stage, send):
    assert send(stage.swap.s(1, sig=stage.add.s(1) | stage.add.s(1))).get() == 3
    assert not stage.app.jobs.find(Which())


def test_what_is_added_where_nothing_grows_is_refused(stage, send):
    result = send(stage.grow.s(1, sig=stage.add.s(1)))
    assert isinstance(result.result, ValueError)
    assert "not a member of a chord" in str(result.result)
