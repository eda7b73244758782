//! Each answer that a server is known to give, and its words.

use super::*;

fn aws() -> Address {
    Address { endpoint: None, bucket: "ads".to_owned(), region: "us-east-1".to_owned(), path_style: false }
}

fn minio() -> Address {
    Address { endpoint: Some("https://s3.example.com".to_owned()), ..aws() }
}

fn answer(status: u16, code: &str, message: &str) -> Answer {
    Answer { status, code: code.to_owned(), message: message.to_owned(), ..Answer::default() }
}

fn told(place: &Address, action: Action, answer: &Answer) -> S3Trouble {
    words(place, (action, "users/a.parquet"), answer).unwrap()
}

fn read(status: u16, code: &str, message: &str) -> String {
    told(&aws(), Action::Read, &answer(status, code, message)).to_string()
}

#[test]
fn a_bucket_elsewhere_is_named_with_its_region() {
    let right = "bucket `ads` is in the region ap-northeast-1, and us-east-1 was asked; set AWS_REGION=ap-northeast-1";
    let malformed =
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'ap-northeast-1'";
    assert_eq!(read(400, "AuthorizationHeaderMalformed", malformed), right);
    for (status, code) in [
        (301, "PermanentRedirect"),
        (301, ""),
        (400, ""),
        (307, "TemporaryRedirect"),
        (400, "IllegalLocationConstraintException"),
    ] {
        let by_header = Answer { region: Some("ap-northeast-1".to_owned()), ..answer(status, code, "") };
        assert_eq!(told(&aws(), Action::List, &by_header).to_string(), right, "{status} {code}");
    }
    let body = Answer {
        body: "<Error><Region>ap-northeast-1</Region></Error>".to_owned(),
        ..answer(400, "AuthorizationHeaderMalformed", "the region is wrong")
    };
    assert_eq!(told(&aws(), Action::List, &body).to_string(), right);
    assert!(read(301, "", "").contains("AWS_REGION"), "{}", read(301, "", ""));
}

#[test]
fn credentials_are_blamed_where_they_are_the_cause() {
    insta::assert_snapshot!(read(400, "ExpiredToken", "The provided token has expired."), @"the session of the credentials for AWS S3 has expired; get new ones: `aws sso login`, or new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN");
    insta::assert_snapshot!(read(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."), @"AWS S3 knows no access key like AWS_ACCESS_KEY_ID; copy the key again, or make a new one; keys of another server or account do not work here");
    insta::assert_snapshot!(read(403, "SignatureDoesNotMatch", "x"), @"AWS S3 does not accept the signature: AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID; copy both again; where they are right, a proxy on the way changes the requests");
    let late = Answer { clock_ahead: Some(1_020), ..answer(403, "RequestTimeTooSkewed", "x") };
    insta::assert_snapshot!(told(&minio(), Action::Read, &late), @"the clock of this machine is not that of https://s3.example.com: it is 17 minutes behind; set the clock, and let NTP keep it");
    for (status, code, message) in [
        (403, "AccessDenied", "Access Denied"),
        (403, "AccessDenied", "User x is not authorized to perform: kms:Decrypt on the resource"),
        (403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
        (403, "RequestTimeTooSkewed", ""),
        (404, "NoSuchBucket", ""),
        (503, "SlowDown", "Please reduce your request rate."),
    ] {
        let said = read(status, code, message);
        assert!(!said.contains("AWS_ACCESS_KEY_ID") && !said.contains("AWS_SECRET"), "{said}");
    }
}

#[test]
fn a_lacking_right_is_named_by_what_was_tried() {
    let denied = answer(403, "AccessDenied", "Access Denied.");
    insta::assert_snapshot!(told(&aws(), Action::List, &denied), @"AWS S3 refuses listing in bucket `ads`; allow s3:ListBucket on arn:aws:s3:::ads to who runs this, in their policy and the bucket's");
    insta::assert_snapshot!(told(&aws(), Action::Read, &answer(403, "", "")), @"AWS S3 refuses reading `users/a.parquet` in bucket `ads` (HTTP 403, without a reason); allow s3:GetObject on arn:aws:s3:::ads/*, and s3:ListBucket on ads to who runs this, in their policy and the bucket's");
    insta::assert_snapshot!(told(&minio(), Action::Write, &denied), @"https://s3.example.com refuses writing `users/a.parquet` in bucket `ads`; allow s3:PutObject on ads/* to who runs this, in the server's own policies");
    assert!(told(&aws(), Action::Delete, &denied).to_string().contains("s3:DeleteObject on arn:aws:s3:::ads/*"));
}

#[test]
fn other_causes_have_their_own_remedies() {
    insta::assert_snapshot!(read(403, "AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on the resource"), @"the KMS key that bucket `ads` is encrypted with cannot be used: it answers AccessDenied (“User: arn:aws:iam::1:user/x is not authorized to perform: kms:Decrypt on the resource”); allow kms:Decrypt and kms:GenerateDataKey on that key to who runs this, in the key's policy and theirs; the key must be enabled");
    insta::assert_snapshot!(read(403, "InvalidObjectState", "x"), @"`users/a.parquet` in bucket `ads` is archived and cannot be read as it is; restore it (`aws s3api restore-object`), or move it out of what the catalog's `path` matches");
    insta::assert_snapshot!(told(&minio(), Action::Read, &answer(404, "NoSuchBucket", "")), @"there is no bucket `ads` at https://s3.example.com; mend SEGMENT_LAKE or SEGMENT_STORE, or create it; a server without bucket host names needs SEGMENT_S3_PATH_STYLE=true");
    insta::assert_snapshot!(told(&minio(), Action::Write, &answer(501, "NotImplemented", "A header you provided implies functionality that is not implemented.")), @"https://s3.example.com does not take the checksum that was sent: it answers NotImplemented (“A header you provided implies functionality that is not implemented”); set AWS_REQUEST_CHECKSUM_CALCULATION=when_required");
    insta::assert_snapshot!(told(&minio(), Action::Write, &answer(507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold.")), @"bucket `ads` at https://s3.example.com is full: it answers XMinioStorageFull (“Storage backend has reached its minimum free drive threshold”); delete what is not needed, or raise the quota; SEGMENT_SNAPSHOTS_KEPT bounds how many snapshots are kept");
    insta::assert_snapshot!(told(&minio(), Action::Write, &answer(405, "MethodNotAllowed", "")), @"https://s3.example.com does not allow writing in bucket `ads`; AWS_ENDPOINT_URL must be the address of the S3 API, not of a website or a read-only gateway");
    insta::assert_snapshot!(told(&aws(), Action::Write, &answer(400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")), @"bucket `ads` keeps its objects locked, and wants a checksum with each; unset AWS_REQUEST_CHECKSUM_CALCULATION, or set it to when_supported");
    insta::assert_snapshot!(read(400, "SomethingNew", "a  sentence\n of its own."), @"AWS S3 failed at reading `users/a.parquet` in bucket `ads`: it answers SomethingNew (“a sentence of its own”); whoever runs that server can say what it means");
}

#[test]
fn what_is_no_s3_server_is_said() {
    let page =
        |status| Answer { body: "<html><body>Welcome to nginx</body></html>".to_owned(), ..answer(status, "", "") };
    for status in [200, 403, 404, 405] {
        let said = told(&minio(), Action::List, &page(status));
        assert!(
            said.to_string().contains("https://s3.example.com answers with a web page") && !said.is_transient(),
            "{said}"
        );
        assert!(said.to_string().contains("AWS_ENDPOINT_URL"), "{said}");
    }
    assert!(told(&minio(), Action::List, &page(502)).is_transient());
    for (status, body) in [(302, ""), (404, ""), (404, "404 page not found")] {
        let plain = Answer { body: body.to_owned(), ..answer(status, "", "") };
        let said = told(&minio(), Action::List, &plain).to_string();
        assert!(said.contains("not an S3 server") && said.contains("AWS_ENDPOINT_URL"), "{said}");
    }
    assert!(
        words(&minio(), (Action::Read, "k"), &Answer { body: "404 page not found".to_owned(), ..answer(404, "", "") })
            .is_some()
    );
    let https =
        Answer { body: "<html>The plain HTTP request was sent to HTTPS port</html>".to_owned(), ..answer(400, "", "") };
    assert!(told(&minio(), Action::List, &https).to_string().contains("write https://"));
}

#[test]
fn only_what_may_pass_is_tried_again() {
    for (status, code) in [
        (503, "SlowDown"),
        (500, "InternalError"),
        (400, "RequestTimeout"),
        (429, ""),
        (502, ""),
        (503, ""),
        (200, ""),
        (400, "BadDigest"),
    ] {
        assert!(told(&aws(), Action::Read, &answer(status, code, "")).is_transient(), "{status} {code}");
    }
    for (status, code) in [
        (403, "AccessDenied"),
        (404, "NoSuchBucket"),
        (400, "ExpiredToken"),
        (501, "NotImplemented"),
        (301, ""),
        (405, ""),
        (400, "InvalidRequest"),
        (507, ""),
    ] {
        assert!(!told(&aws(), Action::Read, &answer(status, code, "")).is_transient(), "{status} {code}");
    }
    assert!(words(&aws(), (Action::Read, "k"), &answer(404, "NoSuchKey", "")).is_none());
    assert!(words(&aws(), (Action::Read, "k"), &answer(404, "", "")).is_none());
}
