//! Markdown as HTML that may be put into any page: what somebody writes runs nothing, loads nothing and dresses up as nothing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// What is left of HTML: text, lists, tables, links. No image: it would be loaded from elsewhere, and tell who reads.
static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags = "a b blockquote br code del em h3 h4 h5 h6 hr i li ol p pre strong table tbody td th thead tr ul";
    let mut builder = Builder::empty();
    builder
        .tags(tags.split(' ').collect::<HashSet<_>>())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href", "title"])), ("ol", HashSet::from(["start"]))]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(["http", "https"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener nofollow"));
    builder
});

/// Headings begin at the third level: a page has its own title, and a note is a part of it.
pub fn to_html(markdown: &str) -> String {
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).map(|event| match event {
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: lowered(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lowered(level))),
        other => other,
    });
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut rendered, events);
    SANITISER.clean(&rendered).to_string()
}

fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_there() {
        let html =
            to_html("# RSA\n\n1. *Appeler*\n2. [la CAF](https://caf.fr \"site\")\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n> `x < 3`");
        for part in [
            "<h3>RSA</h3>",
            "<ol>",
            "<em>Appeler</em>",
            "<a href=\"https://caf.fr\" title=\"site\" rel=\"noopener nofollow\">la CAF</a>",
            "<td>1</td>",
            "<del>2</del>",
            "<code>x &lt; 3</code>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(to_html("###### six"), "<h6>six</h6>\n");
    }

    #[test]
    fn nothing_runs_loads_or_dresses_up() {
        let markup = regex::Regex::new("<[^>]*>").unwrap();
        let names = "a|b|blockquote|br|code|del|em|h[3-6]|hr|i|li|ol|p|pre|strong|table|tbody|td|th|thead|tr|ul";
        let attributes = "( href=\"https?://[^\"]*\")?( title=\"[^\"]*\")?( rel=\"noopener nofollow\")?";
        let plain = regex::Regex::new(&format!("^</?({names}){attributes}>$")).unwrap();
        for attack in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![pixel](https://ailleurs.example/pixel.png)",
            "<svg onload=alert(1)><animate onbegin=alert(1)></svg>",
            "<iframe src=\"https://ailleurs.example\"></iframe>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt&#58;alert(1))",
            "[x](java&#10;script:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:msgbox)",
            "[x](//ailleurs.example)",
            "<a href=\"javascript&colon;alert(1)\">x</a>",
            "<a href=https://caf.fr onclick=alert(1) style=position:fixed target=_blank>x</a>",
            "<style>*{display:none}</style><p style=\"color:red\" class=\"fr-alert\" id=\"title\">x</p>",
            "<form action=https://ailleurs.example><input name=password><button>ok</button></form>",
            "<object data=x></object><embed src=x><base href=//ailleurs.example><meta http-equiv=refresh content=0><link rel=stylesheet href=x>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "`</code><script>alert(1)</script>`",
            "# x {onclick=alert(1)}\n<details open ontoggle=alert(1)>x</details>",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
        ] {
            let html = to_html(attack);
            // What an escaped text shows is nobody's markup.
            for tag in markup.find_iter(&html).map(|found| found.as_str()) {
                assert!(plain.is_match(tag), "{attack} left {tag} in {html}");
            }
            assert!(!html.contains("<a href=\"//"), "{attack}: {html}");
        }
    }
}
