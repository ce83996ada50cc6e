//! Answers in choices, as OpenAI and Mistral give them: whole, or piece by piece and closed by what it cost.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use pilotlight_assist::Report;
use pilotlight_engine::Finish;
use serde_json::{Value, json};

use crate::{Failure, answer::Running, metrics::now};

/// How one wire writes a choice.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// What the body calls itself.
    pub(crate) object: &'static str,
    /// The choice that has this text; `finish` says why it ended, if it has.
    pub(crate) choice: fn(text: &str, finish: Option<&str>) -> Value,
}

/// Answers with what `running` writes: in one body of the shape `whole`, or in events of the shape `piece`. `id` names the answer.
pub(crate) async fn answer(
    running: Running,
    id: String,
    stream: bool,
    whole: Shape,
    piece: Shape,
) -> Result<Response, Failure> {
    let head = json!({ "id": id, "created": now(), "model": running.model });
    let body = move |shape: Shape, text: &str, end: Option<&Report>| {
        let mut body = head.clone();
        body["object"] = json!(shape.object);
        body["choices"] = json!([(shape.choice)(text, end.map(finish))]);
        if let Some(report) = end {
            body["usage"] = usage(report);
        }
        body
    };
    if stream {
        return Ok(running.events(move |running: &Running, text: Option<String>| match text {
            Some(text) => vec![body(piece, &text, None).to_string()],
            None => vec![body(piece, "", Some(&running.report())).to_string(), "[DONE]".to_owned()],
        }));
    }
    let (text, report) = running.whole().await?;
    Ok(Json(body(whole, &text, Some(&report))).into_response())
}

/// Why a text ended, in the words of OpenAI, Mistral and Ollama.
pub(crate) fn finish(report: &Report) -> &'static str {
    if cut(report) { "length" } else { "stop" }
}

/// Whether there was more to say: for that the wires have one word, whether tokens or time ran out.
pub(crate) fn cut(report: &Report) -> bool {
    matches!(report.finish, Some(Finish::Length | Finish::TimeLimit))
}

pub(crate) fn usage(report: &Report) -> Value {
    let prompt = report.reused + report.prefilled;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": report.decoded,
        "total_tokens": prompt + report.decoded,
        "prompt_tokens_details": { "cached_tokens": report.reused },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_cut_is_not_told_as_complete() {
        let ends = [(Finish::Stop, "stop"), (Finish::Length, "length"), (Finish::TimeLimit, "length")];
        for (end, told) in ends {
            assert_eq!(finish(&Report { finish: Some(end), ..Report::default() }), told);
        }
    }
}
