//! A whole `serve` in the test's process, and questions to it.

use std::{net::SocketAddr, path::Path};

use segment_bot::config::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{database::database_url, fault_server::FaultServer};

/// The sample catalog, a lake in `folder`, a fresh database and this stand-in of Slack, with further variables.
pub(crate) async fn serve_config(slack: &FaultServer, folder: &Path, more: &[(&str, &str)]) -> Config {
    let catalog = folder.join("catalog.toml");
    if !catalog.exists() {
        std::fs::write(&catalog, include_str!("../../../src/demo/catalog.toml")).unwrap();
    }
    let url = database_url().await;
    let variables = [
        ("SEGMENT_CATALOG", catalog.display().to_string()),
        ("SEGMENT_LAKE", format!("file://{}", folder.display())),
        ("DATABASE_URL", url.expose().to_owned()),
        ("SLACK_BOT_TOKEN", "xoxb-test".to_owned()),
        ("SLACK_SIGNING_SECRET", "secret".to_owned()),
        ("SLACK_API_URL", format!("{}/api", slack.origin)),
    ];
    let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let variables: Vec<(&str, String)> = variables.into_iter().chain(more).collect();
    Config::from_lookup(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())).unwrap()
}

/// Status line and body of `GET path` with further header lines.
pub(crate) async fn http_get(address: SocketAddr, path: &str, headers: &[&str]) -> (String, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (host, start) = (format!("host: {address}"), format!("GET {path} HTTP/1.1"));
    let head = [&[start.as_str(), host.as_str(), "connection: close"], headers, &["", ""]].concat();
    let request = head.join("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}
