//! When nothing answers, or nothing was asked: names, ports, networks, certificates, and credentials that are not there.

use std::{error::Error, io};

use super::{Address, S3Trouble};

pub(super) fn words(place: &Address, error: &(dyn Error + 'static)) -> S3Trouble {
    words_of_chain(place, error)
}

/// Reads the words of all causes together, because which of them tells is the client's secret.
pub(super) fn words_of_chain(place: &Address, error: &(dyn Error + 'static)) -> S3Trouble {
    let (mut chain, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        chain.push(error);
        next = error.source();
    }
    let said = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").to_lowercase();
    let kind = chain.iter().filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind).next_back();
    if let Some(trouble) = no_credentials(place, &said) {
        return trouble;
    }
    let about = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let (server, bucket) = (place.server(), &place.bucket);
    let cannot = format!("cannot reach bucket `{bucket}` at {server}");
    if about(&["not a valid uri", "invalid uri", "relative url without a base", "endpoint url", "valid endpoint"]) {
        return S3Trouble::lasting(
            format!("{server} is no address of a server"),
            "AWS_ENDPOINT_URL must be like https://storage.example.com:9000",
        );
    }
    if about(&["certificate", "unknownissuer"]) {
        return certificate(server, &said);
    }
    if about(&["invalidcontenttype", "corrupt message", "wrong version number", "received corrupt"]) {
        return S3Trouble::lasting(
            format!("{cannot}: it does not speak https"),
            "write http:// in AWS_ENDPOINT_URL, or let it offer TLS",
        );
    }
    if about(&["lookup address", "name or service not known", "no address associated", "dns error", "name resolution"])
    {
        let style = if place.endpoint.is_some() && !place.path_style {
            format!("; where {bucket}.<host> is no name, set SEGMENT_S3_PATH_STYLE=true")
        } else {
            String::new()
        };
        return S3Trouble::passing(format!("{cannot}: its host name is not known"))
            .with_remedy(format!("mend AWS_ENDPOINT_URL, AWS_REGION or this machine's name service{style}"));
    }
    if kind == Some(io::ErrorKind::ConnectionRefused) || about(&["connection refused"]) {
        return S3Trouble::passing(format!("{cannot}: the connection is refused, nobody listens there"))
            .with_remedy("start the server, or mend AWS_ENDPOINT_URL");
    }
    if kind == Some(io::ErrorKind::TimedOut) || about(&["timeout", "timed out"]) {
        return S3Trouble::passing(format!("{cannot}: it does not answer in time"))
            .with_remedy("look whether a firewall or proxy lies between, and at AWS_ENDPOINT_URL");
    }
    S3Trouble::passing(format!("{cannot}: the connection broke off"))
}

fn certificate(server: &str, said: &str) -> S3Trouble {
    let why = if said.contains("expired") {
        "has expired"
    } else if said.contains("notvalidforname") || said.contains("not valid for name") {
        "is for another host name"
    } else if said.contains("not valid yet") || said.contains("notvalidyet") {
        "is not valid yet; this machine's clock may be wrong"
    } else {
        "is signed by nobody whom this machine trusts"
    };
    S3Trouble::lasting(
        format!("the certificate of {server} {why}"),
        "add its authority to this machine's certificates (SSL_CERT_FILE names a file of them), or mend the host name in AWS_ENDPOINT_URL",
    )
}

/// Nothing was sent, because there is nobody to sign as.
fn no_credentials(place: &Address, said: &str) -> Option<S3Trouble> {
    let about = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if !about(&["credential", "sso", "assumerole", "identity", "profile"]) {
        return None;
    }
    let (bucket, server) = (&place.bucket, place.server());
    let whom = format!("no AWS credentials for bucket `{bucket}` at {server}");
    Some(if about(&["sso", "token has expired", "cached token", "access token"]) {
        S3Trouble::lasting(
            format!("{whom}: the session of single sign-on is not there or has expired"),
            "`aws sso login`, with the same AWS_PROFILE",
        )
    } else if about(&["external process", "credential_process", "credential process", "credential-process"]) {
        S3Trouble::lasting(
            format!("{whom}: the program that the profile names as `credential_process` gave none"),
            "run that command by hand; it must print the JSON that AWS describes and end with 0",
        )
    } else if about(&["sts:assumerole", "assumerole", "assume role", "web identity"]) {
        S3Trouble::lasting(
            format!("{whom}: the role may not be assumed"),
            "the role's trust policy must allow it, and the token file must be readable",
        )
    } else if about(&["profile"]) && about(&["not defined", "could not find", "not found", "invalid", "parse"]) {
        S3Trouble::lasting(
            format!("{whom}: the profile cannot be used"),
            "AWS_PROFILE, and its `source_profile` if it has one, must be in ~/.aws/config or ~/.aws/credentials, whose lines must be `[profile name]` and `key = value`",
        )
    } else if about(&["timed out", "timeout", "connection refused", "dispatch"])
        && !about(&["no providers", "not enabled"])
    {
        S3Trouble::passing(format!("{whom}: the service that gives them does not answer"))
    } else {
        S3Trouble::lasting(
            whom,
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile that exists by AWS_PROFILE, or run with a role",
        )
    })
}
