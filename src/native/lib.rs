//! Signatures of compact JWS (RFC 7515 §7.1) by AWS-LC, as src/jwt/signatures.ts asks for them: a key is read once, and lives as
//! long as its object; a token comes as the string that it is. Here is what JavaScript sees; the work is in `verify` and `sign`.
#![deny(unsafe_code)] // forbidden there; here the macro brings its own

mod memory;
mod sign;
mod verify;

use napi::bindgen_prelude::{Either3, Error, Result, Status};
use napi_derive::napi;
use verify::{Parts, Verdict};

#[napi]
pub struct Verifier(verify::Key);

#[napi]
pub struct Signer(sign::Key);

/// By a public half (RFC 5280 §4.1) and a name of RFC 7518 §3.1; null for a key that AWS-LC does not take.
#[napi]
pub fn verifier(spki: &[u8], algorithm: String) -> Option<Verifier> {
    verify::Key::read(spki, &algorithm).map(Verifier)
}

/// By a private half (RFC 5958) and a name of RFC 7518 §3.1; null for a key that AWS-LC does not take.
#[napi]
pub fn signer(pkcs8: &[u8], algorithm: String) -> Option<Signer> {
    sign::Key::read(pkcs8, &algorithm).map(Signer)
}

#[napi]
impl Verifier {
    /// The payload's text, false, or undefined. The numbers are where the first and the second dot stand.
    #[napi]
    pub fn verify(&self, token: String, header_end: u32, input_end: u32) -> Result<Either3<String, bool, ()>> {
        // From here on one byte for each character: else the dots would stand elsewhere
        if !token.is_ascii() {
            return Ok(Either3::C(()));
        }
        let parts = Parts::of(&token, header_end as usize, input_end as usize)
            .ok_or_else(|| Error::new(Status::InvalidArg, "Cannot verify: no dots stand there"))?;
        Ok(match self.0.judge(&parts) {
            Verdict::Fitting(payload) => Either3::A(payload),
            Verdict::Other => Either3::B(false),
            Verdict::Malformed => Either3::C(()),
        })
    }
}

#[napi]
impl Signer {
    /// The token of a header, in base64url already, and a payload's text.
    #[napi]
    pub fn sign(&self, header: String, payload: String) -> Result<String> {
        self.0.token(&header, &payload).map_err(|_| Error::from_reason("Cannot sign: AWS-LC refuses"))
    }
}

/// The memory of this process gets into no core dump; false where the kernel refuses that.
#[napi]
pub fn keep_memory_private() -> bool {
    memory::keep_private()
}
