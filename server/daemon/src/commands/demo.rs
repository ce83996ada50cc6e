//! `pilotlight try`: types into a real file through the real LSP server, over an in-process pipe, and shows what an editor would show.

mod client;
mod script;
mod summary;
mod view;

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use pilotlight_assist::{Explanation, syntax::Language};

use tokio_util::sync::CancellationToken;

use crate::{cli::Try, model, settings::Settings};
use client::{Answer, Editor};
use script::Script;
use summary::{Event, Report, Summary};
use view::View;

/// What is typed where no file is named: a source file of this repository.
const OWN_FILE: &str = "server/engine/src/tokenizer.rs";
const OWN_TEXT: &str = include_str!("../../../engine/src/tokenizer.rs");

/// Bytes in the pipe between the editor's side and the server's.
const PIPE: usize = 64 * 1024;

pub(super) async fn run(arguments: Try, settings: &Settings, started: Instant) -> Result<ExitCode> {
    let (name, text) = match &arguments.file {
        Some(path) => {
            (path.display().to_string(), fs::read_to_string(path).with_context(|| path.display().to_string())?)
        }
        None => (OWN_FILE.to_owned(), OWN_TEXT.to_owned()),
    };
    let path = std::path::absolute(&name)?;
    let language = Language::from_path(&path);
    let script = Script::of(&text, arguments.keystrokes);

    let assistant = model::assistant(settings);
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let (read, write) = tokio::io::split(theirs);
    let server = tokio::spawn(pilotlight_lsp::serve(
        assistant.clone(),
        settings.lsp.clone(),
        CancellationToken::new(),
        read,
        write,
    ));
    let mut editor = Editor::start(ours, path, language, &script).await?;

    let model = model::loaded(&assistant, settings).await?.name.clone();
    let view = (!arguments.json).then(View::new);
    if let Some(view) = &view {
        view.open(&name, &model, script.keys.len());
    }
    let pace = Duration::from_millis(arguments.pace);
    let (events, first_ms) = type_all(&mut editor, &script, pace, view.as_ref(), started).await?;
    editor.close().await?;
    server.await.context("the server ended badly")??;

    let report = Report { summary: Summary::new(&events, first_ms, model, name), events };
    match view {
        Some(view) => view.close(&report),
        None => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// Types key by key at `pace`. A person does not wait for an answer: one that is not there by the next key is superseded.
async fn type_all(
    editor: &mut Editor,
    script: &Script,
    pace: Duration,
    view: Option<&View>,
    started: Instant,
) -> Result<(Vec<Event>, Option<f64>)> {
    let mut events = Vec::new();
    let mut first_ms = None;
    let mut typed_since_asked = 0;
    let mut last_answered = false;
    for (index, key) in script.keys.iter().enumerate() {
        let pressed = Instant::now();
        let answer = editor.press(key, pressed + pace).await?;
        let ms = answer.as_ref().map_or(pressed.elapsed(), |answer| answer.took).as_secs_f64() * 1e3;
        typed_since_asked += key.chars().count();
        let event = event(index + 1, key, answer, ms, typed_since_asked, last_answered && !key.contains('\n'));
        if event.ghost.is_some() && first_ms.is_none() {
            first_ms = Some(started.elapsed().as_secs_f64() * 1e3);
        }
        last_answered = event.asked || event.ghost.is_some();
        if event.asked {
            typed_since_asked = 0;
        }
        if let Some(view) = view {
            view.keystroke(editor.line(), &event);
        }
        events.push(event);
        tokio::time::sleep_until((pressed + pace).into()).await;
    }
    Ok((events, first_ms))
}

fn event(
    keystroke: usize,
    typed: &str,
    answer: Option<Answer>,
    ms: f64,
    typed_since_asked: usize,
    extends: bool,
) -> Event {
    let late = || Explanation {
        nothing_because: Some("not answered before the next keystroke".to_owned()),
        ..Explanation::default()
    };
    let (ghost, explanation) = answer.map_or_else(|| (None, late()), |answer| (answer.ghost, answer.explanation));
    Event {
        keystroke,
        typed: typed.to_owned(),
        ghost,
        asked: explanation.reused + explanation.prefilled > 0,
        extends,
        typed_since_asked,
        ms,
        prefilled: explanation.prefilled,
        reused: explanation.reused,
        decoded: explanation.decoded,
        nothing_because: explanation.nothing_because,
    }
}
