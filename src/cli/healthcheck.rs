//! `healthcheck`: what a container asks, where there is no shell and no curl.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::config::Config;

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let address = reachable(config.listen);
    let answer = timeout(Duration::from_secs(4), ask(address)).await.context("no answer within 4 seconds")??;
    let status = answer.lines().next().unwrap_or_default();
    anyhow::ensure!(status.contains(" 200"), "{address} answered `{status}`");
    Ok(())
}

/// Where a server that listens on `listen` is reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()) } else { listen }
}

async fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await.with_context(|| format!("nothing answers at {address}"))?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).await?;
    Ok(answer)
}
