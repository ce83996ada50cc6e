//! `initialize`

use tower_lsp::gen_lsp_types::{InitializeParams, InitializeResult, RootPath, ServerInfo, WorkspaceFolders};

use crate::{capabilities::Profile, session::Session, uri};

pub(crate) fn handle(session: &Session, params: &InitializeParams) -> InitializeResult {
    let roots = roots(params);
    let options = session.change_settings(|layers| {
        layers.introduce(params.initialization_options.clone().unwrap_or_default());
        layers.change_roots(roots.iter().filter_map(|root| uri::to_path(root)), &[]);
    });
    // The service lets one `initialize` through.
    let profile = session.profile.get_or_init(|| Profile::agree(&params.capabilities, options));
    let client = params.client_info.as_ref().map(|client| client.name.as_str());
    tracing::info!(client, encoding = ?profile.encoding, menu = profile.menu, ?roots, "initialized");
    InitializeResult {
        capabilities: profile.capabilities(),
        server_info: Some(ServerInfo {
            name: "pilotlight".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    }
}

/// The workspace's folders as URIs: what replaced what over the protocol's versions.
#[allow(deprecated)]
fn roots(params: &InitializeParams) -> Vec<String> {
    match (&params.workspace_folders_initialize_params.workspace_folders, &params.root_uri, &params.root_path) {
        (Some(WorkspaceFolders::WorkspaceFolderList(folders)), ..) => {
            folders.iter().map(|folder| folder.uri.to_string()).collect()
        }
        (_, Some(uri), _) => vec![uri.to_string()],
        (_, _, Some(RootPath::String(path))) => vec![format!("file://{path}")],
        _ => Vec::new(),
    }
}
