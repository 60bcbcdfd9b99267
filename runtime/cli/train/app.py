"""`duplex train ...`: the recipe of the embedded model, one command per step, in the order in which they are run.

    hearing                 Whisper from its package            -> runs/mini
    vocabulary              tokenizer and truecasing            -> runs/mini
    voice                   lexicon, tokenizer, refined head, detokenizer -> runs/mini
    text                    the core reads and writes           -> runs/text
    speech                  users' voices                       -> runs/speech
    errors                  how the ears mishear them           -> runs/errors.jsonl
    text --start            the core learns to cope with that   -> runs/text_more
    dialogues               simulated two-channel dialogues     -> runs/dialogues/NAME
    tracks                  the assistant's answers, spoken     -> runs/tracks/tracks.npz
    core                    the core hears and takes turns      -> runs/core
    mix                     the weights of several cores, averaged -> one file of them
    mind                    the mind as it ships                -> runs/mini
    voice-hidden            the refined head reads the core     -> runs/mini
    trials, knowledge       recordings and texts for evaluation
    ctc, sources            another source of the user's words  -> runs/ctc, and both compared
    hearing-report, voice-report   figures of a model's ears and voice alone

Steps that need a model read `--model`: the embedded one, unless a folder is named. Only `--out` (and `--work`) are
written. Every step resumes where it was stopped. The steps themselves are in their own packages.
"""

import typer

from runtime.cli.train import measure, steps

app = typer.Typer(
    help="The recipe of the embedded model, step by step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    steps.hearing,
    steps.vocabulary,
    steps.voice,
    steps.text,
    steps.speech,
    steps.dialogues,
    steps.tracks,
    steps.core,
    steps.mix,
    steps.mind,
    steps.voice_hidden,
    steps.errors,
    measure.trials,
    measure.knowledge,
    steps.ctc,
    measure.sources,
    measure.hearing_report,
    measure.voice_report,
):
    app.command()(command)
