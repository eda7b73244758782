//! Connections to the HTTP server, bounded: in all, for each peer, and in time. Whoever only holds the line makes room for
//! whoever asks something.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::counted::Counted;

/// Connections in all, as far as descriptors last.
const CONNECTIONS_MAX: usize = 8_192;
/// Of these, the part that one peer may hold: a proxy is one peer, so it is large.
const OF_ONE_PEER: usize = 2;
/// Descriptors for everything else: database, store, Slack, files.
const DESCRIPTORS_KEPT: usize = 256;
/// A request's head must be there within so long, also the next one on a connection that was used before.
const HEAD_WAIT: Duration = Duration::from_secs(10);
/// What is read ahead of a connection, at most; a head must fit into it.
const BUFFER_BYTES: usize = 8 << 10;
/// After an error that concerns the listener, such as no descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// One connection.
#[derive(Debug)]
struct Line {
    peer: IpAddr,
    /// Whether a request on it is being answered.
    is_busy: Arc<AtomicBool>,
    end: CancellationToken,
}

/// Every open connection, by number: the smallest is the oldest.
#[derive(Debug, Default)]
struct Lines {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    lines: std::collections::BTreeMap<u64, Line>,
    by_peer: HashMap<IpAddr, usize>,
}

/// Answers with `routes` until `stopping`; open requests are answered first.
pub(super) async fn serve(listener: TcpListener, routes: Router, stopping: CancellationToken) {
    let most = connections_max();
    let (lines, tasks, refused) = (Arc::new(Lines::default()), TaskTracker::new(), Counted::new());
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match lines.begin(peer, most) {
                Some((number, line)) => {
                    let (routes, lines, stopping) = (routes.clone(), Arc::clone(&lines), stopping.clone());
                    tasks.spawn(async move {
                        answer(stream, routes, &line, stopping).await;
                        lines.end(number);
                    });
                }
                None => refused.count(|count| tracing::warn!(count, "connections were refused: too many are open")),
            },
            Err(error) => {
                refused.count(|count| tracing::warn!(count, %error, "connections could not be accepted"));
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Raises the limit of open descriptors as far as this process may, and says how many connections fit below it.
fn connections_max() -> usize {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((1_024, 1_024));
    let descriptors = if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() { hard } else { soft };
    let fitting = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(DESCRIPTORS_KEPT);
    let most = CONNECTIONS_MAX.min(fitting).max(1);
    tracing::info!(descriptors, connections = most, "connections are bounded");
    most
}

async fn answer(stream: TcpStream, routes: Router, line: &Line, stopping: CancellationToken) {
    let is_busy = Arc::clone(&line.is_busy);
    let service = service_fn(move |request: Request<Incoming>| {
        let (routes, is_busy) = (routes.clone(), Arc::clone(&is_busy));
        async move {
            is_busy.store(true, Ordering::Relaxed);
            let answer = routes.oneshot(request.map(Body::new)).await;
            is_busy.store(false, Ordering::Relaxed);
            answer
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT).max_buf_size(BUFFER_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut is_ending = false;
    loop {
        tokio::select! {
            // Whatever ends a connection concerns nobody but the peer.
            _ = connection.as_mut() => return,
            () = line.end.cancelled() => return,
            () = stopping.cancelled(), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

impl Lines {
    /// Takes a connection up. Where there are too many, the oldest that asks nothing goes; `None` when there is none.
    fn begin(&self, peer: SocketAddr, most: usize) -> Option<(u64, Line)> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = peer.ip();
        let of_peer = open.by_peer.get(&peer).copied().unwrap_or_default();
        if of_peer >= (most / OF_ONE_PEER).max(1) {
            open.make_room(|line| line.peer == peer)?;
        } else if open.lines.len() >= most {
            open.make_room(|_| true)?;
        }
        let number = open.next;
        open.next += 1;
        let line = Line { peer, is_busy: Arc::default(), end: CancellationToken::new() };
        let kept = Line { peer, is_busy: Arc::clone(&line.is_busy), end: line.end.clone() };
        open.lines.insert(number, kept);
        *open.by_peer.entry(peer).or_default() += 1;
        Some((number, line))
    }

    fn end(&self, number: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(number);
    }
}

impl Open {
    fn make_room(&mut self, of: impl Fn(&Line) -> bool) -> Option<()> {
        let idle = |(_, line): &(&u64, &Line)| of(line) && !line.is_busy.load(Ordering::Relaxed);
        let number = *self.lines.iter().find(idle)?.0;
        self.lines.get(&number)?.end.cancel();
        self.remove(number);
        Some(())
    }

    fn remove(&mut self, number: u64) {
        let Some(line) = self.lines.remove(&number) else { return };
        if let Some(count) = self.by_peer.get_mut(&line.peer) {
            *count -= 1;
            if *count == 0 {
                self.by_peer.remove(&line.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 1))
    }

    #[test]
    fn the_oldest_that_asks_nothing_makes_room() {
        let lines = Lines::default();
        let (_, first) = lines.begin(peer(1), 4).unwrap();
        let (_, second) = lines.begin(peer(1), 4).unwrap();
        first.is_busy.store(true, Ordering::Relaxed);
        let (_, third) = lines.begin(peer(1), 4).unwrap();
        assert_eq!([&first, &second, &third].map(|line| line.end.is_cancelled()), [false, true, false]);
        third.is_busy.store(true, Ordering::Relaxed);
        assert!(lines.begin(peer(1), 4).is_none(), "one peer holds half, and all of it is busy");
        assert!(lines.begin(peer(2), 4).is_some() && lines.begin(peer(3), 4).is_some());
        let (_, last) = lines.begin(peer(4), 4).unwrap();
        assert!(!last.end.is_cancelled());
        assert_eq!(lines.open.lock().unwrap().lines.len(), 4);
    }
}
