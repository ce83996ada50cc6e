//! Tests of `assistant`.

use super::*;

#[tokio::test]
async fn a_panic_while_a_model_is_loaded_is_told() {
    let assistant = Assistant::new(Options::default(), "odd", || panic!("as a defect would"));
    let mut status = assistant.status();
    let told = status.wait_for(|status| !matches!(status, Status::Loading { .. })).await.map(|status| status.clone());
    assert!(
        matches!(&told, Ok(Status::Failed { message }) if message.contains("cannot be loaded: a defect in Pilotlight")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_panic_while_a_server_is_connected_to_is_told() {
    let (name, nothing) = ("spare", String::new());
    let spare = move || Err(EngineError::Setting { name, expected: nothing.clone(), found: nothing });
    let assistant = Assistant::over_server(Options::default(), "odd", || panic!("as a defect would"), spare);
    let mut status = assistant.status();
    let told = status.wait_for(|status| !matches!(status, Status::Loading { .. })).await.map(|status| status.clone());
    assert!(matches!(&told, Ok(Status::Failed { message }) if message.contains("a defect in Pilotlight")), "{told:?}");
}
