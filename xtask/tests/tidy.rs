//! The rules of the house, run over this checkout and over trees that break them.

use xtask::{RULES, Tree, code_only, functions, render_table, with_table};

#[test]
fn this_checkout_keeps_every_rule() {
    let tree = Tree::read(&xtask::root()).unwrap();
    assert!(tree.rust().count() > 20, "the checkout was not found");
    let problems: Vec<String> = RULES
        .iter()
        .flat_map(|rule| (rule.check)(&tree).into_iter().map(|problem| format!("{problem} [{}]", rule.name)))
        .collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_rule_refuses_a_tree_that_breaks_it_and_passes_one_that_comes_close() {
    for rule in RULES {
        let found = (rule.check)(&(rule.bad)());
        assert!(!found.is_empty(), "`{}` found nothing in its bad example", rule.name);
        let found = (rule.check)(&(rule.good)());
        assert!(found.is_empty(), "`{}` found {found:?} in its good example", rule.name);
    }
}

#[test]
fn comments_strings_and_characters_are_not_code() {
    let text = r####"let a = '"'; // don't
let b = r#"fn "x" {"#; let c = '\''; let d: &'static str = "}\"{"; /* { /* } */ { */ e"####;
    let code = code_only(text);
    assert_eq!(code.chars().count(), text.chars().count());
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words.join(" "), "let a = ; let b = ; let c = ; let d: &'static str = ; e");
}

#[test]
fn functions_are_measured_from_their_fn_to_their_closing_brace() {
    let code = "trait T { fn a(&self, x: u8); }\nimpl T {\n  fn b<F: Fn(u8) -> u8>(mut self, f: F, v: [u8; 2]) -> [u8; 2]\n  where F: Send {\n    if 1 < 2 { v }\n  }\n}\n";
    let found = functions(code);
    assert_eq!(found.len(), 1, "{found:?}");
    let b = &found[0];
    assert_eq!((b.name.as_str(), b.line, b.n_lines, b.n_params), ("b", 3, 4, 2));
}

#[test]
fn the_readme_shows_the_evidence_as_it_is() {
    let readme = std::fs::read_to_string(xtask::root().join("README.md")).unwrap();
    let fresh = with_table(&readme, &render_table(&xtask::root()).unwrap()).unwrap();
    assert!(readme == fresh, "README.md is stale: run `cargo xtask readme`");
}
