"""MetricFlow's command line without its phone call: `mf` asks a package registry at each start
whether a newer version of itself is out, and has no setting that stops it.

The environment's own `mf` is this one (`pyproject.toml`).
"""


def main() -> None:
    """Run `mf` with the question of a newer version answered: none."""
    import update_checker

    update_checker.UpdateChecker.check = lambda *_, **__: None
    from dbt_metricflow.cli.main import cli

    cli()


if __name__ == "__main__":
    main()
