#![forbid(unsafe_code)]

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaEncoding, RsaKeyPair};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};

/// With both dots: a token in which it has room is copied nowhere else.
const LONGEST_SIGNATURE: usize = 1368;

pub enum Key {
    EdDsa(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl Key {
    pub fn read(pkcs8: &[u8], algorithm: &str) -> Option<Self> {
        let ecdsa = |scheme: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(scheme, pkcs8).map(Self::Ecdsa);
        let rsa = |scheme: &'static dyn RsaEncoding| RsaKeyPair::from_pkcs8(pkcs8).map(|key| Self::Rsa(key, scheme));
        match algorithm {
            // Node.js leaves the public half out
            "EdDSA" | "Ed25519" => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::EdDsa),
            "ES256" => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => ecdsa(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            _ => return None,
        }
        .ok()
    }

    /// The compact JWS of a header, in base64url already, and a payload's text (RFC 7515 §7.1, RFC 7518 §3).
    pub fn token(&self, header: &str, payload: &str) -> Result<String, Unspecified> {
        let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + LONGEST_SIGNATURE);
        token.push_str(header);
        token.push('.');
        BASE64URL.encode_string(payload, &mut token);
        let random = SystemRandom::new();
        let input = token.as_bytes();
        match self {
            Self::EdDsa(key) => append(key.try_sign(input)?, &mut token),
            Self::Ecdsa(key) => append(key.sign(&random, input)?, &mut token),
            Self::Rsa(key, scheme) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*scheme, &random, input, &mut signature)?;
                append(signature, &mut token);
            }
        }
        Ok(token)
    }
}

fn append(signature: impl AsRef<[u8]>, token: &mut String) {
    token.push('.');
    BASE64URL.encode_string(signature, token);
}
