#![forbid(unsafe_code)]

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};

pub enum Verdict {
    /// With the payload's text.
    Fitting(String),
    Other,
    /// Payload or signature is no canonical base64url, or the payload no UTF-8.
    Malformed,
}

pub struct Parts<'token> {
    input: &'token str,
    payload: &'token str,
    signature: &'token str,
}

impl<'token> Parts<'token> {
    /// None where no dots stand there.
    pub fn of(token: &'token str, header_end: usize, input_end: usize) -> Option<Self> {
        let input = token.get(..input_end)?;
        let payload = input.get(header_end..)?.strip_prefix('.')?;
        let signature = token.get(input_end..)?.strip_prefix('.')?;
        Some(Self { input, payload, signature })
    }
}

pub struct Key(ParsedPublicKey);

impl Key {
    pub fn read(spki: &[u8], algorithm: &str) -> Option<Self> {
        ParsedPublicKey::new(scheme(algorithm)?, spki).ok().map(Self)
    }

    pub fn judge(&self, parts: &Parts) -> Verdict {
        let (Ok(payload), Ok(signature)) = (BASE64URL.decode(parts.payload), BASE64URL.decode(parts.signature)) else {
            return Verdict::Malformed;
        };
        match self.0.verify_sig(parts.input.as_bytes(), &signature) {
            Ok(()) => String::from_utf8(payload).map_or(Verdict::Malformed, Verdict::Fitting),
            Err(_) => Verdict::Other,
        }
    }
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
