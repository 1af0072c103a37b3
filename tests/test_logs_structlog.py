"""structlog is configured whenever it comes, and not imported for it."""

from __future__ import annotations

from tests.log_reading import parsed, run


def test_structlog_is_configured_when_user_code_imports_it() -> None:
    status, out, errors = run("""
        logs.configure(settings())
        assert "structlog" not in sys.modules
        import structlog
        structlog.get_logger("x").info("m", n=1)
    """)
    assert (status, errors) == (0, b"")
    (entry,) = parsed(out)
    assert (entry["message"], entry["logger"], entry["n"]) == ("m", "x", 1)


def test_structlog_looks_as_if_nobody_had_waited_for_it() -> None:
    status, _out, errors = run("""
        from importlib.machinery import SourceFileLoader
        before = list(sys.meta_path)
        logs.configure(settings())
        logs.configure(settings())
        import structlog
        assert sys.meta_path == before
        assert type(structlog.__loader__) is type(structlog.__spec__.loader) is SourceFileLoader
    """)
    assert (status, errors) == (0, b"")


def test_what_user_code_makes_of_structlog_stays_after_a_reload() -> None:
    status, out, errors = run("""
        logs.configure(settings())
        import structlog
        structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
        logs.configure(settings())
        structlog.get_logger().info("m", n=1)
    """)
    assert (status, errors) == (0, b"")
    assert [entry["message"] for entry in parsed(out)] == ["n=1 event='m'"]


def test_a_users_file_called_structlog_is_left_alone() -> None:
    status, out, errors = run("""
        import types
        logs.configure(settings())
        sys.modules["structlog"] = types.ModuleType("structlog")
        logs.configure(settings())
        logging.getLogger("x").info("m")
        logs.reset()
    """)
    assert (status, errors) == (0, b"")
    assert [entry["message"] for entry in parsed(out)] == ["m"]


def test_nobody_waits_for_structlog_after_a_reset() -> None:
    status, _out, errors = run("""
        before = list(sys.meta_path)
        logs.configure(settings())
        assert sys.meta_path != before
        logs.reset()
        assert sys.meta_path == before
    """)
    assert (status, errors) == (0, b"")
