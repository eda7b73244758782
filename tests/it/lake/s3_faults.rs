//! A bucket whose network fails: calls ride it out, nothing half done is seen, and what is read is what was written.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use segment_bot::{
    digest::sha256_hex,
    lake::{LakeError, Store, StoreOptions},
};

use super::s3::{Server, behind, inside, make_bucket, request};

/// Stands between the store and the server.
#[derive(Clone, Default)]
struct Proxy {
    /// Nothing passes; who connects is cut off.
    down: Arc<AtomicBool>,
    /// Parts of large objects are cut off.
    no_parts: Arc<AtomicBool>,
    /// So many answers are cut off in their middle.
    cut_answers: Arc<AtomicUsize>,
}

impl Proxy {
    fn start() -> Self {
        let (address, server) = behind();
        let listener = TcpListener::bind(address).unwrap();
        let proxy = Self::default();
        let passing = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (proxy, server) = (passing.clone(), TcpStream::connect(&server).unwrap());
                std::thread::spawn(move || proxy.pass(client.unwrap(), server));
            }
        });
        proxy
    }

    fn pass(self, client: TcpStream, server: TcpStream) {
        let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let answers = self.clone();
        std::thread::spawn(move || {
            let mut passed = 0;
            copy(&mut from_server, &mut to_client, |piece| {
                passed += piece.len();
                let cut = passed > 100_000
                    && answers.cut_answers.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
                !cut && !answers.down.load(SeqCst)
            });
        });
        copy(&mut { client }, &mut { server }, |piece| {
            let part = piece.windows(11).any(|word| word == b"partNumber=");
            !(self.down.load(SeqCst) || part && self.no_parts.load(SeqCst))
        });
    }
}

/// Copies as long as pieces may pass; then both sides are cut off.
fn copy(from: &mut TcpStream, to: &mut TcpStream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut piece = vec![0; 16_384];
    while let Ok(read) = from.read(&mut piece) {
        if read == 0 || !may_pass(&piece[..read]) || to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

struct Opened {
    quick: Store,
    patient: Store,
    folder: tempfile::TempDir,
}

async fn open(bucket: &str) -> Opened {
    make_bucket(bucket);
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { cache_dir: folder.path().join("cache"), cache_bytes: 1 << 30, s3_path_style: true };
    let url = format!("s3://{bucket}/some/prefix");
    let quick = Store::open(&url, &options).await.unwrap();
    Opened { quick, patient: Store::open_patiently(&url, &options).await.unwrap(), folder }
}

/// Bytes that are different everywhere.
fn many(bytes: u32) -> Vec<u8> {
    (0..bytes / 4).flat_map(u32::to_le_bytes).collect()
}

fn cached(opened: &Opened) -> usize {
    let files = std::fs::read_dir(opened.folder.path().join("cache")).map_or(0, Iterator::count);
    files.saturating_sub(1)
}

#[tokio::test]
async fn an_outage_is_ridden_out_inside_one_call() {
    if !inside("lake::s3_faults::an_outage_is_ridden_out_inside_one_call", Server::Proxied) {
        return;
    }
    let proxy = Proxy::start();
    let opened = open("outage").await;
    let large = many(40_000_000);
    let path = opened.folder.path().join("large");
    std::fs::write(&path, &large).unwrap();
    proxy.down.store(true, SeqCst);
    let started = Instant::now();
    let up_again = async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        proxy.down.store(false, SeqCst);
    };
    let (small, large_too, ()) = tokio::join!(
        opened.patient.write("small", Bytes::from_static(b"small")),
        opened.patient.write_file("large", &path),
        up_again
    );
    small.unwrap();
    large_too.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(6));
    assert_eq!(opened.patient.read("small").await.unwrap(), "small");
    assert!(opened.patient.read("large").await.unwrap() == large);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_fetched_again() {
    if !inside("lake::s3_faults::an_answer_that_breaks_off_is_fetched_again", Server::Proxied) {
        return;
    }
    let proxy = Proxy::start();
    let opened = open("breaks").await;
    let content = many(1_000_000);
    opened.quick.write("k", content.clone().into()).await.unwrap();
    proxy.cut_answers.store(2, SeqCst);
    let copy = opened.quick.local_checked("k", &sha256_hex(&content)).await.unwrap();
    assert!(std::fs::read(copy).unwrap() == content);
    proxy.cut_answers.store(2, SeqCst);
    assert!(opened.quick.read("k").await.unwrap() == content);
    assert_eq!(proxy.cut_answers.load(SeqCst), 0, "both were cut off twice");
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted_and_nothing_of_it_is_seen() {
    if !inside("lake::s3_faults::an_upload_that_fails_is_aborted_and_nothing_of_it_is_seen", Server::Proxied) {
        return;
    }
    let proxy = Proxy::start();
    let opened = open("aborted").await;
    let path = opened.folder.path().join("large");
    std::fs::write(&path, many(40_000_000)).unwrap();
    proxy.no_parts.store(true, SeqCst);
    let failed = opened.quick.write_file("large", &path).await.unwrap_err();
    assert!(failed.is_transient(), "{failed}");
    proxy.no_parts.store(false, SeqCst);
    assert!(!opened.quick.exists("large").await.unwrap());
    let unfinished = request(&behind().1, "GET /aborted?uploads").unwrap();
    assert!(unfinished.contains("ListMultipartUploadsResult") && !unfinished.contains("<Upload>"), "{unfinished}");
    opened.quick.write_file("large", &path).await.unwrap();
    assert_eq!(opened.quick.stat("large").await.unwrap().bytes, 40_000_000);
}

#[tokio::test]
async fn what_is_not_as_written_is_not_kept() {
    if !inside("lake::s3_faults::what_is_not_as_written_is_not_kept", Server::Proxied) {
        return;
    }
    let _proxy = Proxy::start();
    let opened = open("damaged").await;
    opened.quick.write("part", Bytes::from_static(b"something else")).await.unwrap();
    let object = opened.quick.stat("part").await.unwrap();
    let right = sha256_hex("as written");
    let damaged = opened.quick.local_copy_checked(&object, &right).await.unwrap_err();
    assert!(matches!(&damaged, LakeError::Damaged { key, .. } if key == "part"), "{damaged}");
    assert_eq!(cached(&opened), 0);
    opened.quick.write("part", Bytes::from_static(b"as written")).await.unwrap();
    let copy = opened.quick.local_checked("part", &right).await.unwrap();
    std::fs::write(copy, "as wriXXen").unwrap();
    let damaged = opened.quick.local_checked("part", &right).await.unwrap_err();
    assert!(matches!(damaged, LakeError::Damaged { .. }), "a copy that rotted on this disk is found, too: {damaged}");
}

#[tokio::test]
async fn a_link_gives_the_object_to_whoever_has_it() {
    if !inside("lake::s3_faults::a_link_gives_the_object_to_whoever_has_it", Server::Proxied) {
        return;
    }
    let _proxy = Proxy::start();
    let opened = open("links").await;
    opened.quick.write("segments/1/segment.csv", Bytes::from_static(b"rank,user_id")).await.unwrap();
    let link = opened.quick.link("segments/1/segment.csv", Duration::from_hours(48)).await.unwrap().unwrap();
    assert!(link.contains("X-Amz-Expires=172800") && link.contains("X-Amz-Signature="), "{link}");
    let (address, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let answer = request(address, &format!("GET /{path}")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("rank,user_id"), "{answer}");
    let folder = open_folder(&opened).await;
    assert_eq!(folder.link("x", Duration::from_hours(1)).await.unwrap(), None);
}

async fn open_folder(opened: &Opened) -> Store {
    let options = StoreOptions { cache_dir: "cache".into(), cache_bytes: 0, s3_path_style: false };
    Store::open(&format!("file://{}", opened.folder.path().display()), &options).await.unwrap()
}
