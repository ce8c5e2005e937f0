#![forbid(unsafe_code)]

/// How deep objects and lists may lie in each other: `tokenDepthLimit` of src/jwt/reasons.ts.
const DEPTH_LIMIT: usize = 16;
/// Of all objects that are open: each name is compared with those of its object.
const MOST_NAMES: usize = 64;

/// True only where the text, if it is JSON, has no name twice in one object (RFC 8259 §4) and no object or list deeper than the limit.
/// False also where that takes a longer look: at escapes, at very many names, and at some that are as good as the same.
pub fn is_plain(text: &str) -> bool {
    look(text.as_bytes()).is_some()
}

/// Eight bytes at a time, since few of them mean anything. Without escapes a string lies between one quote and the next.
fn look(text: &[u8]) -> Option<()> {
    let mut nesting = Nesting { open: Vec::with_capacity(DEPTH_LIMIT + 1), names: Vec::with_capacity(16) };
    let (mut opened, mut closed) = (0, 0);
    let mut is_string = false;
    let (words, rest) = text.as_chunks::<8>();
    let tail = rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    for (index, word) in words.iter().map(|word| u64::from_le_bytes(*word)).chain([tail]).enumerate() {
        let mut found = signs(word);
        while found != 0 {
            let bit = found.trailing_zeros() & 0x38;
            found &= found - 1;
            let at = 8 * index + bit as usize / 8;
            match (word >> bit) as u8 {
                b'"' => {
                    (opened, closed) = (closed, at);
                    is_string = !is_string;
                }
                b'\\' => return None,
                _ if is_string => {}
                // What stood between quotes before a colon is a name
                b':' => nesting.name(text.get(opened + 1..closed)?)?,
                b'{' | b'[' => nesting.enter()?,
                b'}' | b']' => nesting.leave()?,
                _ => {}
            }
        }
    }
    Some(())
}

struct Nesting {
    /// Where in `names` those of each object and list begin that is open.
    open: Vec<usize>,
    /// Of all objects that are open, the inner ones last.
    names: Vec<u64>,
}

impl Nesting {
    fn enter(&mut self) -> Option<()> {
        self.open.push(self.names.len());
        (self.open.len() <= DEPTH_LIMIT).then_some(())
    }

    fn leave(&mut self) -> Option<()> {
        self.names.truncate(self.open.pop()?);
        Some(())
    }

    fn name(&mut self, name: &[u8]) -> Option<()> {
        let name = fingerprint(name);
        let before = self.names.get(*self.open.last()?..)?;
        let is_fresh = self.names.len() < MOST_NAMES && !before.contains(&name);
        self.names.push(name);
        is_fresh.then_some(())
    }
}

const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte that is one of `"`, `:`, `\`, `[`, `]`, `{`, `}`; also of a few that are none.
const fn signs(word: u64) -> u64 {
    let low = word & each(0x7f);
    // 0x22 and 0x3a, with 0x2a and 0x32
    let quotes = !(((low & each(0x67)) ^ each(0x22)) + each(0x7f));
    // From 0x5b to 0x5d and from 0x7b to 0x7d
    let folded = low | each(0x20);
    let brackets = (folded + each(0x05)) & !(folded + each(0x02));
    (quotes | brackets) & !word & each(0x80)
}

/// The same for names that are the same, and hardly for two others.
fn fingerprint(name: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = name.as_chunks::<8>();
    let tail = rest.iter().fold(name.len() as u64, |sum, &byte| sum << 8 | u64::from(byte));
    words.iter().fold(tail, |sum, &word| (sum ^ u64::from_le_bytes(word)).wrapping_mul(ODD))
}
