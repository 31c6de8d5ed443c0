//! What a source says, read from its tokens: no compiler is asked, so that code for another platform is seen too.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use std::collections::BTreeSet;

/// What the body of a module holds.
#[derive(Default)]
pub(super) struct Body {
    /// Declared modules; those that are written in place have their body.
    pub(super) modules: Vec<(String, Option<Body>)>,
    /// Names that are defined here, macros among them.
    pub(super) items: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    pub(super) paths: Vec<Path>,
}

/// A leaf of a `use`.
pub(super) struct Import {
    /// The name that it brings; `None` is a glob.
    pub(super) name: Option<String>,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// A re-export: others use it, this module perhaps not.
    pub(super) is_public: bool,
}

/// A path in code, or a single name.
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// Whether it is the name of a macro that is called.
    pub(super) is_macro: bool,
}

/// Reads a file.
///
/// # Panics
/// Where the text is no Rust.
pub(super) fn read(text: &str) -> Body {
    let stream: TokenStream = text.parse().expect("a source that rustc reads");
    read_body(&as_list(without_tests(stream)))
}

fn as_list(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

/// The tokens without the items, fields and statements that `#[cfg(test)]` stands before.
fn without_tests(stream: TokenStream) -> TokenStream {
    let all = as_list(stream);
    let mut rest = all.as_slice();
    let mut kept = Vec::new();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (TokenTree::Punct(hash), [TokenTree::Group(attribute), item @ ..])
                if hash.as_char() == '#' && is_for_tests(attribute) =>
            {
                &item[length_of_item(item)..]
            }
            _ => {
                kept.push(match first {
                    TokenTree::Group(group) => {
                        let mut inner = Group::new(group.delimiter(), without_tests(group.stream()));
                        inner.set_span(group.span());
                        inner.into()
                    }
                    other => other.clone(),
                });
                after
            }
        };
    }
    kept.into_iter().collect()
}

fn is_for_tests(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// How many tokens an item takes; a field, an arm or a statement too.
fn length_of_item(tokens: &[TokenTree]) -> usize {
    let mut ends_with_a_body = None;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) => match ident.to_string().as_str() {
                // `const fn` is a function.
                "fn" | "struct" | "enum" | "union" | "trait" | "impl" | "mod" | "macro_rules" => {
                    ends_with_a_body = Some(true);
                }
                "use" | "const" | "static" | "type" | "let" if ends_with_a_body.is_none() => {
                    ends_with_a_body = Some(false);
                }
                _ => {}
            },
            TokenTree::Punct(punct) if punct.as_char() == ';' => return index + 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && ends_with_a_body.is_none() => {
                return index + 1;
            }
            TokenTree::Group(group)
                if group.delimiter() == Delimiter::Brace && ends_with_a_body != Some(false) =>
            {
                return index + 1;
            }
            _ => {}
        }
    }
    tokens.len()
}

fn read_body(tokens: &[TokenTree]) -> Body {
    let mut body = Body::default();
    let mut rest = tokens;
    while !rest.is_empty() {
        let (item, after) = rest.split_at(length_of_item(rest));
        read_item(&mut body, item);
        rest = after;
    }
    body
}

fn read_item(body: &mut Body, item: &[TokenTree]) {
    for (index, token) in item.iter().enumerate() {
        let TokenTree::Ident(keyword) = token else { continue };
        let next = item.get(index + 1..).unwrap_or_default();
        match (keyword.to_string().as_str(), next) {
            ("use", tree) => {
                let is_public = item[..index].iter().any(|token| is_ident(token, "pub"));
                return read_use(tree, &[], is_public, &mut body.imports);
            }
            ("mod", [TokenTree::Ident(name), TokenTree::Group(inside), ..]) => {
                let inside = read_body(&as_list(inside.stream()));
                return body.modules.push((name.to_string(), Some(inside)));
            }
            ("mod", [TokenTree::Ident(name), ..]) => return body.modules.push((name.to_string(), None)),
            ("const", [TokenTree::Ident(name), ..]) if name == "fn" || name == "unsafe" => {}
            ("static", [TokenTree::Ident(mutable), TokenTree::Ident(name), ..]) if mutable == "mut" => {
                define(body, name);
                break;
            }
            ("macro_rules", [TokenTree::Punct(_), TokenTree::Ident(name), ..])
            | (
                "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static",
                [TokenTree::Ident(name), ..],
            ) => {
                define(body, name);
                break;
            }
            ("impl", _) => break,
            _ => {}
        }
    }
    read_code(item, body);
}

fn define(body: &mut Body, name: &Ident) {
    body.items.insert(name.to_string());
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

/// The leaves of `a::b::{c, d as e, f::*};`.
fn read_use(tree: &[TokenTree], above: &[String], is_public: bool, imports: &mut Vec<Import>) {
    let mut path = above.to_vec();
    let mut line = 0;
    for (index, token) in tree.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) if ident == "as" => {
                let name = tree.get(index + 1).map(TokenTree::to_string);
                return imports.push(Import { name, path, line, is_public });
            }
            TokenTree::Ident(ident) => {
                line = ident.span().start().line;
                path.push(ident.to_string());
            }
            TokenTree::Punct(punct) if punct.as_char() == '*' => {
                return imports.push(Import { name: None, path, line: punct.span().start().line, is_public });
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(group) => {
                let inside = as_list(group.stream());
                return inside
                    .split(|token| is_punct(Some(token), ','))
                    .filter(|leaf| !leaf.is_empty())
                    .for_each(|leaf| read_use(leaf, &path, is_public, imports));
            }
            _ => {}
        }
    }
    // `use a::{self, b}` brings `a`.
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    imports.push(Import { name: path.last().cloned(), path, line, is_public });
}

/// The paths in code at any depth, macros' arguments among it, and what functions import for themselves.
fn read_code(tokens: &[TokenTree], body: &mut Body) {
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token {
            TokenTree::Group(group) => read_code(&as_list(group.stream()), body),
            TokenTree::Ident(ident) if ident == "use" => {
                let length = length_of_item(&tokens[index..]);
                read_use(&tokens[index + 1..index + length], &[], false, &mut body.imports);
                index += length - 1;
            }
            TokenTree::Ident(_) => {
                let end = end_of_path(tokens, index);
                if is_start_of_path(&tokens[..index]) {
                    body.paths.extend(path(&tokens[index..end], &tokens[end..]));
                }
                index = end - 1;
            }
            _ => {}
        }
        index += 1;
    }
}

/// Behind the last segment of the path that begins at `start`.
fn end_of_path(tokens: &[TokenTree], start: usize) -> usize {
    let mut end = start + 1;
    while is_punct(tokens.get(end), ':')
        && is_punct(tokens.get(end + 1), ':')
        && matches!(tokens.get(end + 2), Some(TokenTree::Ident(_)))
    {
        end += 3;
    }
    end
}

/// Not so after `::` (of another crate, or of a type), `.` (a method, a field), `'` (a lifetime), and `fn` (a method's name).
fn is_start_of_path(before: &[TokenTree]) -> bool {
    let last = before.last();
    let is_range = before.len() > 1 && is_punct(before.get(before.len() - 2), '.');
    let follows_colons =
        is_punct(last, ':') && is_punct(before.len().checked_sub(2).map(|i| &before[i]), ':');
    let follows_dot = is_punct(last, '.') && !is_range;
    !(follows_colons
        || follows_dot
        || is_punct(last, '\'')
        || last.is_some_and(|token| is_ident(token, "fn")))
}

/// A name alone counts where it is used as an item: called, or written as types and constants are. Else it is a variable's.
fn path(tokens: &[TokenTree], after: &[TokenTree]) -> Option<Path> {
    let segments: Vec<String> = tokens
        .iter()
        .filter_map(|token| if let TokenTree::Ident(ident) = token { Some(ident.to_string()) } else { None })
        .collect();
    let is_macro = is_punct(after.first(), '!') && !is_punct(after.get(1), '=');
    let is_called =
        matches!(after.first(), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let is_item = segments.len() > 1
        || is_macro
        || is_called
        || segments.first()?.starts_with(|letter: char| letter.is_uppercase());
    let line = tokens.first()?.span().start().line;
    is_item.then_some(Path { segments, line, is_macro })
}
