"""Numbers of things, as a sentence has them."""

from sqlqueue.domain.words import jobs_that, many


def test_one_is_one_and_others_are_many():
    assert [many(number, "job") for number in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
    assert [jobs_that(number, "was", "were") for number in (0, 1, 2)] == ["0 jobs were", "1 job was", "2 jobs were"]
