//! Just enough Rust to measure it: where comments and strings are, and where functions begin and end.

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Line of the `fn`, from 1.
    pub line: usize,
    /// Lines from the `fn` to the closing brace.
    pub n_lines: usize,
    /// Parameters, without `self`.
    pub n_params: usize,
}

/// The text with comments and the insides of strings and characters turned into spaces; lines stay where they are.
pub fn code_only(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(c) = rest.chars().next() {
        let after_word = code.ends_with(is_word);
        let len = opaque_len(rest, after_word);
        if len == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(rest[..len].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[len..];
        }
    }
    code
}

/// Length of the comment, string or character that `rest` starts with; 0 if it starts with code.
fn opaque_len(rest: &str, after_word: bool) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_len(rest);
    }
    if rest.starts_with('"') {
        return quoted_len(rest, '"');
    }
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut inside = inside.chars();
        let is_char = inside.next() == Some('\\') || inside.next() == Some('\'');
        return if is_char { quoted_len(rest, '\'') } else { 0 };
    }
    if after_word { 0 } else { raw_string_len(rest) }
}

fn block_comment_len(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + 1;
        }
        escaped = !escaped && c == '\\';
    }
    rest.len()
}

fn raw_string_len(rest: &str) -> usize {
    let Some(body) = ["r", "br", "cr"].iter().find_map(|p| rest.strip_prefix(p)) else { return 0 };
    let hashes = body.chars().take_while(|c| *c == '#').count();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - body.len() + hashes + 1;
    rest[start..].find(&close).map_or(rest.len(), |at| start + at + close.len())
}

/// Every function with a body in `code`, which [`code_only`] made.
pub fn functions(code: &str) -> Vec<Function> {
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    starts.filter_map(|(at, _)| function_at(code, at)).collect()
}

fn function_at(code: &str, at: usize) -> Option<Function> {
    let head = code[at + 3..].trim_start();
    let name: String = head.chars().take_while(|c| is_word(*c)).collect();
    if name.is_empty() {
        return None;
    }
    let open = code.len() - head.len() + find_outside(&head[name.len()..], &['('])? + name.len();
    let close = open + 1 + find_outside(&code[open + 1..], &[')'])?;
    let body = close + 1 + find_outside(&code[close + 1..], &['{', ';'])?;
    if code[body..].starts_with(';') {
        return None;
    }
    let end = body + 1 + find_outside(&code[body + 1..], &['}'])?;
    Some(Function {
        name,
        line: code[..at].matches('\n').count() + 1,
        n_lines: code[at..end].matches('\n').count() + 1,
        n_params: count_params(&code[open + 1..close]),
    })
}

fn count_params(list: &str) -> usize {
    let mut rest = list;
    let mut n_params = 0;
    while !rest.trim().is_empty() {
        let end = find_outside(rest, &[',']).unwrap_or(rest.len());
        let param = rest[..end].trim();
        let is_self = param.rsplit([' ', '&']).next() == Some("self") || param.starts_with("self:");
        n_params += usize::from(!is_self);
        rest = rest.get(end + 1..).unwrap_or("");
    }
    n_params
}

/// Where the first of `wanted` stands in `code` outside every bracket that opens there.
fn find_outside(code: &str, wanted: &[char]) -> Option<usize> {
    let mut depth = 0_i32;
    let mut angles = 0_i32;
    let mut before = ' ';
    for (at, c) in code.char_indices() {
        if depth == 0 && (angles == 0 || c != '(' && c != ',') && wanted.contains(&c) {
            return Some(at);
        }
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '<' if depth == 0 => angles += 1,
            '>' if depth == 0 && before != '-' && before != '=' => angles -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

/// Whether `c` can be part of a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
