"""What tasks are called, and what a request calls itself."""

from sqlqueue.celery import Celery, shared_task


def test_an_app_may_name_its_tasks_otherwise(celery):
    class Named(Celery):
        def gen_task_name(self, name, module):
            return super().gen_task_name(f"short_{name}", module.rpartition(".")[2])

    app = Named("named", set_as_current=False)

    @app.task
    def one():
        return 1

    @shared_task
    def two():
        return 2

    assert one.name == "test_names.short_one"
    assert "test_names.short_two" in app.tasks
    assert celery.gen_task_name("add", "proj.tasks") == "proj.tasks.add"
    app.set_current()
    assert two.name == "test_names.short_two"


def test_a_request_is_shown_with_what_it_is_about(celery):
    @celery.task(name="debug", bind=True)
    def debug(self, *args, **kwargs):
        return f"Request: {self.request!r}"

    shown = debug.apply((1,), {"x": 2}).get()
    assert "debug[" in shown
    assert "args=(1,) kwargs={'x': 2}" in shown
