//! When the server answers: by its code, else by the status.

use super::{Action, Address, Answer, S3Trouble, cleaned, garbled};

/// Codes of a server that is busy, or that lost a request on the way.
const BUSY: [&str; 12] = [
    "SlowDown",
    "SlowDownRead",
    "SlowDownWrite",
    "ServiceUnavailable",
    "InternalError",
    "RequestTimeout",
    "RequestTimeoutException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "OperationAborted",
    "BadDigest",
];

/// `None` when there simply is no such object.
pub(super) fn words(place: &Address, (action, key): (Action, &str), answer: &Answer) -> Option<S3Trouble> {
    if action != Action::List && is_missing(answer) {
        return None;
    }
    let found = not_s3(place, answer)
        .or_else(|| elsewhere(place, answer))
        .or_else(|| encryption(place, answer))
        .or_else(|| credentials(place, answer))
        .or_else(|| object(place, action, key, answer))
        .or_else(|| checksums(place, answer))
        .or_else(|| bucket(place, action, answer))
        .or_else(|| (answer.status == 401 || answer.status == 403).then(|| refused(place, action, key, answer)));
    Some(found.unwrap_or_else(|| other(place, action, key, answer)))
}

/// An answer to HEAD has neither code nor body.
fn is_missing(answer: &Answer) -> bool {
    let silent = answer.code.is_empty() && answer.body.trim().is_empty();
    answer.status == 404 && (silent || answer.code == "NoSuchKey" || answer.code == "NotFound")
}

fn is_page(answer: &Answer) -> bool {
    let start: String = answer.body.trim_start().chars().take(200).collect::<String>().to_lowercase();
    start.starts_with("<!doctype html") || start.contains("<html") || start.starts_with('{')
}

const NO_S3: &str = "AWS_ENDPOINT_URL must be the address of the S3 API, not of a console or another web server";

/// A page, or something else that no S3 server writes.
fn not_s3(place: &Address, answer: &Answer) -> Option<S3Trouble> {
    if !answer.code.is_empty() && !is_page(answer) {
        return None;
    }
    let server = place.server();
    if answer.body.to_lowercase().contains("plain http request was sent to https") {
        let what = format!("{server} wants https and was asked by http");
        return Some(S3Trouble::lasting(what, "write https:// in AWS_ENDPOINT_URL"));
    }
    if is_page(answer) {
        let what = format!(
            "{server} answers with a web page instead of S3's answer (HTTP {}); it is not an S3 server",
            answer.status
        );
        if answer.status >= 500 {
            return Some(S3Trouble::passing(format!(
                "{server} answers HTTP {} with a web page: a proxy before it has no server behind",
                answer.status
            )));
        }
        return Some(S3Trouble::lasting(what, NO_S3));
    }
    match answer.status {
        200..300 => Some(garbled(place)),
        302 | 303 | 404 => Some(S3Trouble::lasting(
            format!(
                "{server} answers HTTP {} without a word of S3; it is not an S3 server, or not its address",
                answer.status
            ),
            NO_S3,
        )),
        _ => None,
    }
}

/// The bucket is in another region, or at another address.
fn elsewhere(place: &Address, answer: &Answer) -> Option<S3Trouble> {
    let told =
        answer.region.clone().or_else(|| between(&answer.body, "<Region>", "</Region>")).or_else(|| {
            answer.message.contains("region").then(|| between(&answer.message, "expecting '", "'")).flatten()
        });
    let differs = told.as_ref().is_some_and(|told| *told != place.region);
    let by_code = matches!(
        answer.code.as_str(),
        "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" | "Redirect"
    ) || answer.code == "AuthorizationHeaderMalformed" && answer.message.contains("region");
    if !(by_code || matches!(answer.status, 301 | 307 | 308) || answer.status == 400 && differs) {
        return None;
    }
    let (bucket, asked) = (&place.bucket, &place.region);
    Some(match told.filter(|_| differs) {
        Some(told) => S3Trouble::lasting(
            format!("bucket `{bucket}` is in the region {told}, and {asked} was asked"),
            format!("set AWS_REGION={told}"),
        ),
        None => S3Trouble::lasting(
            format!(
                "bucket `{bucket}` is in another region than {asked}, or at another address than {}",
                place.server()
            ),
            "set AWS_REGION to the bucket's region, which the console shows; with AWS_ENDPOINT_URL, the address must be that region's, too",
        ),
    })
}

/// The key that the bucket is encrypted with.
fn encryption(place: &Address, answer: &Answer) -> Option<S3Trouble> {
    let of_kms = answer.code.starts_with("KMS")
        || answer.code.starts_with("Kms")
        || answer.message.contains("kms:")
        || answer.message.contains("KMS");
    if !of_kms {
        return None;
    }
    let what = format!("the KMS key that bucket `{}` is encrypted with cannot be used: {}", place.bucket, said(answer));
    Some(S3Trouble::lasting(
        what,
        "allow kms:Decrypt and kms:GenerateDataKey on that key to who runs this, in the key's policy and theirs; the key must be enabled",
    ))
}

/// What is wrong with who asks, or with their clock.
fn credentials(place: &Address, answer: &Answer) -> Option<S3Trouble> {
    let server = place.server();
    let lasting = |what: String, remedy: &str| Some(S3Trouble::lasting(what, remedy));
    match answer.code.as_str() {
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => lasting(
            format!("the session of the credentials for {server} has expired"),
            "get new ones: `aws sso login`, or new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
        ),
        "InvalidToken" | "InvalidClientTokenId" | "UnrecognizedClientException" => lasting(
            format!("{server} does not accept the session token"),
            "AWS_SESSION_TOKEN must belong to AWS_ACCESS_KEY_ID; unset it for keys that have none",
        ),
        "InvalidAccessKeyId" => lasting(
            format!("{server} knows no access key like AWS_ACCESS_KEY_ID"),
            "copy the key again, or make a new one; keys of another server or account do not work here",
        ),
        "SignatureDoesNotMatch" => lasting(
            format!(
                "{server} does not accept the signature: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID"
            ),
            "copy both again; where they are right, a proxy on the way changes the requests",
        ),
        "RequestTimeTooSkewed" | "RequestInTheFuture" => {
            let by = answer.clock_ahead.filter(|seconds| seconds.abs() >= 5).map_or_else(String::new, |seconds| {
                let minutes = seconds.abs() / 60;
                let amount =
                    if minutes >= 2 { format!("{minutes} minutes") } else { format!("{} seconds", seconds.abs()) };
                format!(": it is {amount} {}", if seconds > 0 { "behind" } else { "ahead" })
            });
            lasting(
                format!("the clock of this machine is not that of {server}{by}"),
                "set the clock, and let NTP keep it",
            )
        }
        "AuthorizationHeaderMalformed"
        | "CredentialsNotSupported"
        | "MissingSecurityHeader"
        | "MissingAuthenticationToken" => lasting(
            format!("{server} does not understand the credentials: {}", said(answer)),
            "AWS_ACCESS_KEY_ID must be the key itself, without spaces or quotation marks",
        ),
        "AccountProblem" | "AllAccessDisabled" | "NotSignedUp" | "AccountSuspended" | "InvalidPayer" => lasting(
            format!(
                "{server} has closed the account to which bucket `{}` or the key belongs: {}",
                place.bucket,
                said(answer)
            ),
            "its owner has to open it again",
        ),
        _ => None,
    }
}

/// What is wrong with one object.
fn object(place: &Address, action: Action, key: &str, answer: &Answer) -> Option<S3Trouble> {
    let lasting = |what: String, remedy: &str| Some(S3Trouble::lasting(what, remedy));
    let bucket = &place.bucket;
    match answer.code.as_str() {
        "InvalidObjectState" | "ObjectNotInActiveTierError" => lasting(
            format!("`{key}` in bucket `{bucket}` is archived and cannot be read as it is"),
            "restore it (`aws s3api restore-object`), or move it out of what the catalog's `path` matches",
        ),
        "EntityTooLarge" => lasting(
            format!("{} takes no object as large as `{key}`", place.server()),
            "raise the server's limit for one object",
        ),
        "KeyTooLongError" => lasting(format!("`{key}` is too long for a key"), "shorten the prefix in SEGMENT_STORE"),
        "NoSuchUpload" => Some(S3Trouble::passing(format!(
            "the upload of `{key}` to bucket `{bucket}` vanished while it went on: somebody, or a rule of the bucket, aborted it"
        ))),
        "NoSuchVersion" => Some(S3Trouble::passing(format!("`{key}` in bucket `{bucket}` changed while it was read"))),
        _ if action != Action::Read
            && (answer.message.contains("bject Lock")
                || answer.code == "ObjectLocked"
                || answer.message.contains("WORM")) =>
        {
            if answer.message.contains("Content-MD5") || answer.message.contains("x-amz-checksum") {
                return lasting(
                    format!("bucket `{bucket}` keeps its objects locked, and wants a checksum with each"),
                    "unset AWS_REQUEST_CHECKSUM_CALCULATION, or set it to when_supported",
                );
            }
            lasting(
                format!(
                    "`{key}` in bucket `{bucket}` is locked and may be neither replaced nor deleted: {}",
                    said(answer)
                ),
                "SEGMENT_STORE must be in a bucket without Object Lock",
            )
        }
        _ => None,
    }
}

/// Headers of newer clients that older servers do not know.
fn checksums(place: &Address, answer: &Answer) -> Option<S3Trouble> {
    if answer.code == "BadDigest" {
        return None;
    }
    if answer.code == "XAmzContentSHA256Mismatch" {
        return Some(S3Trouble::lasting(
            format!("what reaches {} is not what was sent", place.server()),
            "a proxy on the way changes bodies: go around it (NO_PROXY), or use https",
        ));
    }
    let low = format!("{} {}", answer.code, answer.message).to_lowercase();
    let about = ["checksum", "trailer", "crc32", "content-sha256", "contentsha256", "header you provided implies"];
    if !about.iter().any(|word| low.contains(word)) && answer.code != "MissingContentLength" {
        return None;
    }
    Some(S3Trouble::lasting(
        format!("{} does not take the checksum that was sent: {}", place.server(), said(answer)),
        "set AWS_REQUEST_CHECKSUM_CALCULATION=when_required",
    ))
}

/// What is wrong with the bucket, or with its server.
fn bucket(place: &Address, action: Action, answer: &Answer) -> Option<S3Trouble> {
    let (server, bucket) = (place.server(), &place.bucket);
    let lasting = |what: String, remedy: String| Some(S3Trouble::lasting(what, remedy));
    match answer.code.as_str() {
        "NoSuchBucket" => {
            let style = if place.endpoint.is_some() && !place.path_style {
                "; a server without bucket host names needs SEGMENT_S3_PATH_STYLE=true"
            } else {
                ""
            };
            lasting(
                format!("there is no bucket `{bucket}` at {server}"),
                format!("mend SEGMENT_LAKE or SEGMENT_STORE, or create it{style}"),
            )
        }
        "InvalidBucketName" => lasting(
            format!("`{bucket}` is no name that a bucket can have"),
            "SEGMENT_LAKE and SEGMENT_STORE are s3://bucket/prefix".to_owned(),
        ),
        "QuotaExceeded"
        | "XMinioAdminBucketQuotaExceeded"
        | "InsufficientStorage"
        | "XMinioStorageFull"
        | "StorageFull" => lasting(
            format!("bucket `{bucket}` at {server} is full: {}", said(answer)),
            "delete what is not needed, or raise the quota; SEGMENT_SNAPSHOTS_KEPT bounds how many snapshots are kept"
                .to_owned(),
        ),
        "MethodNotAllowed" => lasting(
            format!("{server} does not allow {} in bucket `{bucket}`", action.verb()),
            "AWS_ENDPOINT_URL must be the address of the S3 API, not of a website or a read-only gateway".to_owned(),
        ),
        "NotImplemented" => lasting(
            format!("{server} cannot do what was asked: {}", said(answer)),
            "set AWS_REQUEST_CHECKSUM_CALCULATION=when_required, or use a newer server".to_owned(),
        ),
        "RequestPayer" | "RequesterPays" => lasting(
            format!("who reads bucket `{bucket}` has to pay for it (Requester Pays), which segment-bot does not offer"),
            "copy the tables into a bucket of your own".to_owned(),
        ),
        _ if answer.status == 507 => lasting(format!("bucket `{bucket}` at {server} is full"), "make room".to_owned()),
        _ if answer.status == 405 => lasting(
            format!("{server} does not allow {} in bucket `{bucket}`", action.verb()),
            "AWS_ENDPOINT_URL must be the address of the S3 API".to_owned(),
        ),
        _ if answer.status == 407 => lasting(
            "a proxy on the way wants a password".to_owned(),
            "mend HTTPS_PROXY, or let NO_PROXY name the server".to_owned(),
        ),
        _ => None,
    }
}

/// A right is lacking.
fn refused(place: &Address, action: Action, key: &str, answer: &Answer) -> S3Trouble {
    let (right, on) = action.right();
    let bucket = &place.bucket;
    let object = if action == Action::List || key.is_empty() { String::new() } else { format!(" `{key}`") };
    let why = match answer.code.as_str() {
        "" => format!(" (HTTP {}, without a reason)", answer.status),
        "AccessDenied"
            if answer.message.is_empty()
                || answer.message.trim_end_matches('.').eq_ignore_ascii_case("access denied") =>
        {
            String::new()
        }
        "AccessDenied" => format!(": {}", cleaned(&answer.message)),
        code => format!(": {}", spoken(code, &answer.message)),
    };
    let what = format!("{} refuses {}{object} in bucket `{bucket}`{why}", place.server(), action.verb());
    // Who may not list hears of an object that is not there that it may not be read.
    let list = if action == Action::Read { format!(", and s3:ListBucket on {bucket}") } else { String::new() };
    let remedy = if place.endpoint.is_none() {
        format!("allow {right} on arn:aws:s3:::{bucket}{on}{list} to who runs this, in their policy and the bucket's")
    } else {
        format!("allow {right} on {bucket}{on}{list} to who runs this, in the server's own policies")
    };
    S3Trouble::lasting(what, remedy)
}

fn other(place: &Address, action: Action, key: &str, answer: &Answer) -> S3Trouble {
    let may_pass = BUSY.contains(&answer.code.as_str())
        || matches!(answer.status, 408 | 429 | 500 | 502 | 503 | 504 | 509 | 520..=530);
    let object = if key.is_empty() { String::new() } else { format!(" `{key}`") };
    let what = format!(
        "{} failed at {}{object} in bucket `{}`: {}",
        place.server(),
        action.verb(),
        place.bucket,
        said(answer)
    );
    if may_pass {
        return S3Trouble::passing(what).with_remedy("it was tried several times; look at the server if it stays so");
    }
    S3Trouble {
        what,
        remedy: Some("whoever runs that server can say what it means".to_owned()),
        transient: answer.status >= 500 && answer.status != 501,
    }
}

/// The server's code and sentence.
fn said(answer: &Answer) -> String {
    match answer.code.as_str() {
        "" => format!("HTTP {}", answer.status),
        code => spoken(code, &answer.message),
    }
}

fn spoken(code: &str, message: &str) -> String {
    let message = cleaned(message);
    if message.is_empty() || message == code {
        format!("it answers {code}")
    } else {
        format!("it answers {code} (“{message}”)")
    }
}

fn between(text: &str, from: &str, to: &str) -> Option<String> {
    let rest = text.split_once(from)?.1;
    Some(rest.split_once(to)?.0.trim().to_owned()).filter(|found| !found.is_empty())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
