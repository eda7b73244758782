//! A server that answers otherwise than a healthy one: old ones are got along with, and each refusal has its own words.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use segment_bot::lake::Store;

use super::{
    open,
    s3::{Server, behind, inside, make_bucket},
};

/// What the server says instead of what it would; sees the request's lines up to the body.
type Meddle = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Stands before the server, one request a connection.
fn meddling(meddle: Meddle) {
    let (address, server) = behind();
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (meddle, server) = (meddle.clone(), server.clone());
            std::thread::spawn(move || {
                let _ = pass(client.unwrap(), &server, &meddle);
            });
        }
    });
}

fn pass(mut client: TcpStream, server: &str, meddle: &Meddle) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let field = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let mut body = vec![0; field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    client.read_exact(&mut body)?;
    let answer = if let Some(answer) = meddle(&head) {
        answer.into_bytes()
    } else {
        let mut behind = TcpStream::connect(server)?;
        behind.write_all(head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes())?;
        behind.write_all(&body)?;
        let mut answer = Vec::new();
        behind.read_to_end(&mut answer)?;
        answer
    };
    client.write_all(&answer)
}

fn refusal(status: u16, code: &str, message: &str, header: &str) -> String {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\nContent-Type: application/xml\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn answered(kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// Answers, and what whoever gets them has to read.
fn answers() -> Vec<(String, [&'static str; 2])> {
    let region = "x-amz-bucket-region: ap-northeast-1\r\n";
    vec![
        (
            refusal(
                400,
                "AuthorizationHeaderMalformed",
                "the region 'us-east-1' is wrong; expecting 'ap-northeast-1'",
                region,
            ),
            ["ap-northeast-1", "AWS_REGION"],
        ),
        (
            refusal(301, "PermanentRedirect", "must be addressed using the specified endpoint", region),
            ["ap-northeast-1", "AWS_REGION"],
        ),
        (
            refusal(
                403,
                "RequestTimeTooSkewed",
                "The difference is too large.",
                "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n",
            ),
            ["clock", "minutes ahead"],
        ),
        (refusal(400, "ExpiredToken", "The provided token has expired.", ""), ["has expired", "aws sso login"]),
        (
            refusal(403, "InvalidAccessKeyId", "does not exist in our records.", ""),
            ["AWS_ACCESS_KEY_ID", "copy the key again"],
        ),
        (refusal(403, "AccessDenied", "not authorized to perform: kms:Decrypt", ""), ["KMS", "kms:Decrypt"]),
        (refusal(403, "AccessDenied", "Access Denied", ""), ["refuses", "allow s3:"]),
    ]
}

async fn store(bucket: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&format!("s3://{bucket}"), &folder.path().join("cache")).await;
    (folder, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_knows_no_checksums_works() {
    if !inside("lake::s3_answers::a_server_that_knows_no_checksums_works", Server::Proxied) {
        return;
    }
    meddling(Arc::new(|head| {
        let low = head.to_lowercase();
        let writes = low.starts_with("put /old/") || low.starts_with("post /old/");
        (writes
            && (low.contains("\r\nx-amz-checksum")
                || low.contains("\r\nx-amz-sdk-checksum")
                || low.contains("-trailer")))
        .then(|| {
            refusal(501, "NotImplemented", "A header you provided implies functionality that is not implemented.", "")
        })
    }));
    make_bucket("old");
    let (folder, store) = store("old").await;
    assert!(!store.refuses_checksums());
    store.write("small", Bytes::from_static(b"small")).await.unwrap();
    assert!(store.refuses_checksums(), "it was noticed, and not asked again");
    let large = folder.path().join("large");
    std::fs::write(&large, vec![7; 40_000_000]).unwrap();
    // Another value knows nothing yet: the upload in parts finds out by itself.
    let (_other, fresh) = self::store("old").await;
    fresh.write_file("large", &large).await.unwrap();
    assert_eq!(fresh.stat("large").await.unwrap().bytes, 40_000_000);
    assert_eq!(store.read("small").await.unwrap(), "small");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_own_words() {
    if !inside("lake::s3_answers::each_refusal_has_its_own_words", Server::Proxied) {
        return;
    }
    let said: Arc<Mutex<Option<String>>> = Arc::default();
    let answer = said.clone();
    meddling(Arc::new(move |head| {
        let answer = answer.lock().unwrap().clone()?;
        // An answer to HEAD has no body.
        let end = answer.find("\r\n\r\n").unwrap() + 4;
        Some(if head.starts_with("HEAD") { answer[..end].to_owned() } else { answer })
    }));
    make_bucket("words");
    let (_folder, store) = store("words").await;
    for (answer, words) in answers() {
        *said.lock().unwrap() = Some(answer);
        for error in [
            store.list("users/").await.map(drop).unwrap_err(),
            store.stat("users/a").await.map(drop).unwrap_err(),
            store.read("users/a").await.map(drop).unwrap_err(),
        ] {
            let error = error.to_string();
            for word in words {
                assert!(error.contains(word), "`{word}` is not in: {error}");
            }
        }
    }
    // A list that lost its end must not read as a shorter one.
    let rest = "<Name>words</Name><KeyCount>2</KeyCount><Contents><Key>users/a</Key><Size>1</Size></Contents>";
    for (list, word) in [
        ("<ListBucketResult><Name>wor".to_owned(), "broke off or was garbled"),
        (
            format!("<ListBucketResult><IsTruncated>false</IsTruncated>{rest}</ListBucketResult>"),
            "broke off or was garbled",
        ),
        (
            format!("<ListBucketResult><IsTruncated>true</IsTruncated>{}</ListBucketResult>", rest.replace('2', "1")),
            "knows no ListObjectsV2",
        ),
    ] {
        *said.lock().unwrap() = Some(answered("application/xml", &list));
        let error = store.list("users/").await.unwrap_err().to_string();
        assert!(error.contains(word), "{list}: {error}");
    }
    *said.lock().unwrap() = Some(answered("text/html", "<html><body>Welcome</body></html>"));
    let error = store.list("users/").await.unwrap_err().to_string();
    assert!(error.contains("not an S3 server") && error.contains("AWS_ENDPOINT_URL"), "{error}");
}
