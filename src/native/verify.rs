#![forbid(unsafe_code)]

use crate::look::is_plain;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};

pub enum Verdict {
    /// With the payload's text, which `is_plain`.
    Plain(String),
    /// With the payload's text, at which a longer look is needed.
    Unseen(String),
    Other,
    /// No three parts of canonical base64url in ASCII, or the payload is no UTF-8.
    Malformed,
}

/// What was signed, and the signature.
struct Parts {
    payload: Vec<u8>,
    signature: Vec<u8>,
    input_end: usize,
}

/// Around the first dot and the second one. The header is read elsewhere.
fn parts(token: &str) -> Option<Parts> {
    let header_end = token.find('.')?;
    let (payload, signature) = token.get(header_end + 1..)?.split_once('.')?;
    let input_end = header_end + 1 + payload.len();
    Some(Parts { payload: BASE64URL.decode(payload).ok()?, signature: BASE64URL.decode(signature).ok()?, input_end })
}

pub struct Key(ParsedPublicKey);

impl Key {
    pub fn read(spki: &[u8], algorithm: &str) -> Option<Self> {
        ParsedPublicKey::new(scheme(algorithm)?, spki).ok().map(Self)
    }

    pub fn judge(&self, token: &str) -> Verdict {
        let Some(Parts { payload, signature, input_end }) = parts(token) else { return Verdict::Malformed };
        let Some(input) = token.as_bytes().get(..input_end) else { return Verdict::Malformed };
        match self.0.verify_sig(input, &signature) {
            Ok(()) => String::from_utf8(payload).map_or(Verdict::Malformed, seen),
            Err(_) => Verdict::Other,
        }
    }
}

fn seen(payload: String) -> Verdict {
    if is_plain(&payload) { Verdict::Plain(payload) } else { Verdict::Unseen(payload) }
}

fn scheme(algorithm: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        "EdDSA" | "Ed25519" => &signature::ED25519,
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
        "ES384" => &signature::ECDSA_P384_SHA384_FIXED,
        "ES512" => &signature::ECDSA_P521_SHA512_FIXED,
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
