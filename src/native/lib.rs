//! Signatures of compact JWS (RFC 7515 §7.1) by AWS-LC, as src/jwt/signatures.ts asks for them: a key is read once, and lives as
//! long as its object; a token comes as the string that it is. Here is what JavaScript sees; the work is in `verify` and `sign`.
#![deny(unsafe_code)] // forbidden there; here the macro brings its own

mod look;
mod memory;
mod sign;
mod verify;

use napi::bindgen_prelude::{Either5, Env, Error, FnArgs, Function, FunctionCallContext, Latin1String, Result};
use napi_derive::napi;
use verify::Verdict;

/// A payload at whose names and depth nobody has looked.
#[napi(object)]
pub struct Unseen {
    pub text: String,
}

/// The payload's text, unseen or looked at; false, or undefined.
type Answer = Either5<Latin1String, String, Unseen, bool, ()>;
type Verify<'env> = Function<'env, String, Answer>;
type Sign<'env> = Function<'env, FnArgs<(String, String)>, Latin1String>;

/// What takes a token, by a public half (RFC 5280 §4.1) and a name of RFC 7518 §3.1; null for a key that AWS-LC does not take.
#[napi]
pub fn verifier<'env>(env: &'env Env, spki: &[u8], algorithm: String) -> Result<Option<Verify<'env>>> {
    let Some(key) = verify::Key::read(spki, &algorithm) else { return Ok(None) };
    // No method of a class: whose object it is called with would be looked up each time
    let verify = move |call: FunctionCallContext| {
        Ok(match key.judge(&call.get::<String>(0)?) {
            Verdict::Plain(payload) if payload.is_ascii() => Either5::A(payload.into()),
            Verdict::Plain(payload) => Either5::B(payload),
            Verdict::Unseen(text) => Either5::C(Unseen { text }),
            Verdict::Other => Either5::D(false),
            Verdict::Malformed => Either5::E(()),
        })
    };
    env.create_function_from_closure("verify", verify).map(Some)
}

/// What makes the token of a header, in base64url already, and a payload's text: by a private half (RFC 5958) and a name of
/// RFC 7518 §3.1; null for a key that AWS-LC does not take.
#[napi]
pub fn signer<'env>(env: &'env Env, pkcs8: &[u8], algorithm: String) -> Result<Option<Sign<'env>>> {
    let Some(key) = sign::Key::read(pkcs8, &algorithm) else { return Ok(None) };
    let sign = move |call: FunctionCallContext| {
        let (header, payload) = (call.get::<String>(0)?, call.get::<String>(1)?);
        key.token(&header, &payload)
            .map(Latin1String::from)
            .map_err(|_| Error::from_reason("Cannot sign: AWS-LC refuses"))
    };
    env.create_function_from_closure("sign", sign).map(Some)
}

/// The memory of this process gets into no core dump; false where the kernel refuses that.
#[napi]
pub fn keep_memory_private() -> bool {
    memory::keep_private()
}
