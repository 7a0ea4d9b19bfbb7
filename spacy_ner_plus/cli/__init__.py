"""Commands under `python -m spacy ner-plus`, one module each, registered here.

Import torch and other heavy packages inside the functions: spaCy imports all of this for each of
its own commands.
"""

import typer
from spacy.cli._util import app as spacy_app

from ._terminal import print_plainly
from .agreement import agreement_cli
from .annotate_llm import annotate_llm_cli
from .audit import audit_cli
from .augment import augment_cli
from .calibrate import calibrate_cli
from .compare import compare_cli
from .convert import convert_cli
from .cross_validate import cross_validate_cli
from .distil import distil_cli
from .evaluate import evaluate_cli
from .explain import explain_cli
from .export import export_cli
from .guidelines import guidelines_cli
from .init_config import init_config_cli
from .init_project import init_project_cli
from .leakage import leakage_cli
from .learning_curve import learning_curve_cli
from .predict import predict_cli
from .project.check import check_cli
from .project.code import code_cli
from .project.convert import convert_cli as project_convert_cli
from .project.encoder import encoder_cli
from .project.smoke import smoke_cli
from .project.split import split_cli as project_split_cli
from .rank import rank_cli
from .redact import redact_cli
from .report import report_cli
from .rules import check_cli as rules_check_cli
from .serve import serve_cli
from .serve_key import serve_key_cli
from .split import split_cli
from .train import CONTEXT, train_cli
from .unredact import unredact_cli
from .vectors import vectors_cli
from .weak_label import weak_label_cli

app = typer.Typer(
    name="ner-plus",
    help="Commands of spacy_ner_plus: prepare data, train, evaluate, check and export pipelines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.callback()(print_plainly)
app.command("audit")(audit_cli)
app.command("agreement")(agreement_cli)
app.command("augment")(augment_cli)
app.command("annotate-llm")(annotate_llm_cli)
app.command("calibrate")(calibrate_cli)
app.command("compare")(compare_cli)
app.command("convert")(convert_cli)
app.command("cross-validate", context_settings=CONTEXT)(cross_validate_cli)
app.command("distil", context_settings=CONTEXT)(distil_cli)
app.command("evaluate")(evaluate_cli)
app.command("explain")(explain_cli)
app.command("export")(export_cli)
app.command("guidelines")(guidelines_cli)
app.command("init-config")(init_config_cli)
app.command("init-project")(init_project_cli)
app.command("leakage")(leakage_cli)
app.command("learning-curve", context_settings=CONTEXT)(learning_curve_cli)
app.command("predict")(predict_cli)
app.command("rank")(rank_cli)
app.command("redact")(redact_cli)
app.command("report")(report_cli)
app.command("serve")(serve_cli)
app.command("serve-key")(serve_key_cli)
app.command("split")(split_cli)
app.command("train", context_settings=CONTEXT)(train_cli)
app.command("unredact")(unredact_cli)
app.command("vectors")(vectors_cli)
app.command("weak-label")(weak_label_cli)

project_app = typer.Typer(
    name="project",
    help="Steps of project.yml: of spacy_ner_plus's own, and of those that init-project writes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    hidden=True,
)
project_app.command("check")(check_cli)
project_app.command("code")(code_cli)
project_app.command("convert")(project_convert_cli)
project_app.command("encoder")(encoder_cli)
project_app.command("smoke")(smoke_cli)
project_app.command("split")(project_split_cli)

rules_app = typer.Typer(
    name="rules",
    help="Rules of ner_plus_rules: check them on annotated data.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
rules_app.command("check")(rules_check_cli)

app.add_typer(project_app)
app.add_typer(rules_app)
spacy_app.add_typer(app)
