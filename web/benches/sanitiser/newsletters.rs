//! Newsletters in the manners of those who send them, made here, and documents made to take long.

use std::fmt::Write as _;

/// Newsletters with their names.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    vec![
        ("digest, nested tables", digest(25)),
        ("catalogue, 120 articles", catalogue(120)),
        ("receipt", receipt(40)),
        ("written in a word processor", word_processor(300)),
        ("thread of 40 answers", thread(40)),
        ("responsive, long style sheet", responsive(30)),
    ]
}

/// Documents made to take long, within the limits or beyond them.
pub(crate) fn bombs() -> Vec<(&'static str, String)> {
    vec![
        ("nesting", "<div>".repeat(30_000)),
        ("attributes", format!("<b {}>", "a b c d ".repeat(100_000))),
        (
            "formatting",
            format!(
                "{}{}",
                "<font color=red>".repeat(250),
                "<p>x</p>".repeat(9_000)
            ),
        ),
        ("misnesting", "<p><b><i><u>".repeat(4_900)),
        ("links", "<a href=https://a.example/x>x</a>".repeat(9_000)),
        ("images", "<img src=https://a.example/x>".repeat(18_000)),
        ("angles", "<".repeat(2_000_000)),
        ("ampersands", "&".repeat(2_000_000)),
        (
            "rules",
            format!("<style>{}</style>x", "p{color:red}".repeat(10_000)),
        ),
        (
            "declarations",
            format!("<p style=\"{}\">x", "color:red;".repeat(6_000)),
        ),
        (
            "styled cells",
            format!(
                "<table>{}</table>",
                "<tr><td style=\"font:12px/1.5 Arial;padding:1px 2px\">x</td></tr>".repeat(4_900)
            ),
        ),
        (
            "selectors",
            format!("<style>{}b{{color:red}}</style>x", ".a,".repeat(40_000)),
        ),
        ("text", "word ".repeat(400_000)),
    ]
}

const CELL: &str = "font-family:Helvetica Neue,Helvetica,Arial,sans-serif;font-size:15px;line-height:24px;\
    color:#333333;padding:10px 24px 10px 24px;mso-line-height-rule:exactly;-webkit-text-size-adjust:100%";

fn head(style: &str) -> String {
    format!(
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\" \
         \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\"><html xmlns=\"http://www.w3.org/1999/xhtml\">\
         <head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"><title>News</title>\
         <!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml>\
         <![endif]--><style type=\"text/css\">{style}</style></head>\
         <body style=\"margin:0;padding:0;background-color:#f4f4f4\"><div style=\"display:none;max-height:0;\
         overflow:hidden\">What is new this week&nbsp;&zwnj;&nbsp;&zwnj;</div>"
    )
}

fn digest(stories: usize) -> String {
    let mut html = head(
        "a{color:#1155cc;text-decoration:none}.wrap{width:600px}@media only screen and (max-width:600px){.wrap{width:100%!important}}",
    );
    for story in 0..stories {
        let _ = write!(
            html,
            "<table border=\"0\" cellpadding=\"0\" cellspacing=\"0\" width=\"100%\" role=\"presentation\"><tr><td align=\"center\">\
             <table class=\"wrap\" width=\"600\" cellpadding=\"0\" cellspacing=\"0\" bgcolor=\"#ffffff\"><tr><td style=\"{CELL}\">\
             <table width=\"100%\"><tr><td width=\"180\" valign=\"top\"><a href=\"https://click.news.example/ls/click?upn=u{story}&amp;e=1\" \
             target=\"_blank\"><img src=\"https://img.news.example/story-{story}.jpg\" width=\"180\" height=\"120\" alt=\"Story {story}\" \
             style=\"display:block;border:0;outline:none\"></a></td><td style=\"{CELL}\"><h2 style=\"margin:0 0 8px;font-size:18px\">\
             <a href=\"https://click.news.example/ls/click?upn=t{story}\">Headline of story number {story}</a></h2>\
             <p style=\"margin:0\">Some sentences about what happened, who said what to whom, and why it matters to the reader of \
             this letter, with an <b>emphasis</b> here and a <i>remark</i> there.</p></td></tr></table></td></tr></table></td></tr></table>"
        );
    }
    html.push_str("<img src=\"https://click.news.example/wf/open?upn=x\" width=\"1\" height=\"1\" alt=\"\"></body></html>");
    html
}

fn catalogue(articles: usize) -> String {
    let mut html = head(".price{color:#b42318;font-weight:bold}.old{text-decoration:line-through}");
    html.push_str("<table width=\"640\" align=\"center\"><tr>");
    for article in 0..articles {
        if article % 3 == 0 {
            html.push_str("</tr><tr>");
        }
        let _ = write!(
            html,
            "<td width=\"33%\" style=\"{CELL};border-bottom:1px solid #eeeeee;background-image:url('https://img.shop.example/bg.png')\">\
             <a href=\"https://www.shop.example/p/{article}?utm_source=mail&utm_medium=news&utm_campaign=week{article}\">\
             <img src=\"https://img.shop.example/{article}.jpg\" width=\"200\" style=\"width:100%;max-width:200px\"></a><br>\
             <span style=\"font-size:14px\">Article {article}, in several colours</span><br><span class=\"old\">{article}9,99 &euro;</span> \
             <span class=\"price\">{article}4,99 &euro;</span></td>"
        );
    }
    html.push_str("</tr></table></body></html>");
    html
}

fn receipt(lines: usize) -> String {
    let mut html = head("");
    html.push_str("<p>Thank you for your order.</p><table border=\"1\" cellpadding=\"4\"><thead><tr><th>Item<th>Price</thead><tbody>");
    for line in 0..lines {
        let _ = write!(html, "<tr><td>Part {line}<td align=right>{line}.00");
    }
    html.push_str("</table><p>Track it at https://track.example/</p>");
    html
}

fn word_processor(paragraphs: usize) -> String {
    let mut html = head(
        "<!-- @font-face{font-family:Calibri;panose-1:2 15 5 2 2 2 4 3 2 4}\
         p.MsoNormal, li.MsoNormal{margin:0cm;font-size:11.0pt;font-family:\"Calibri\",sans-serif}\
         span.EmailStyle17{mso-style-type:personal-compose;color:windowtext}@page WordSection1{size:612.0pt 792.0pt} -->",
    );
    html.push_str("<div class=WordSection1>");
    for paragraph in 0..paragraphs {
        let _ = write!(
            html,
            "<p class=MsoNormal><span lang=DE style='font-size:11.0pt;mso-fareast-language:EN-US;font-family:\"Calibri\",sans-serif'>\
             Absatz {paragraph}: Wir haben die Unterlagen gepr&uuml;ft.<o:p></o:p></span></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
        );
    }
    html.push_str("</div></body></html>");
    html
}

fn thread(answers: usize) -> String {
    let mut html = head("");
    for answer in 0..answers {
        let _ = write!(
            html,
            "<div dir=\"ltr\">Answer {answer} with a few words of its own and <a href=\"https://wiki.example/{answer}\">a link</a>.</div>\
             <div class=\"gmail_quote\"><div class=\"gmail_attr\">On Monday somebody wrote:<br></div>\
             <blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex\">"
        );
    }
    html.push_str(&"</blockquote></div>".repeat(answers));
    html
}

fn responsive(blocks: usize) -> String {
    let mut style = String::new();
    for rule in 0..250 {
        let _ = write!(
            style,
            "#outlook a{{padding:0}}.col-{rule}{{width:{rule}px;padding:0 {rule}px}}\
             @media only screen and (max-width:{}px){{.col-{rule}{{width:100%!important;display:block!important}}}}",
            300 + rule
        );
    }
    let mut html = head(&style);
    for block in 0..blocks {
        let _ = write!(
            html,
            "<div class=\"row col-{block}\"><div class=\"col col-{}\" style=\"{CELL}\"><p>Block {block}</p>\
             <a class=\"button\" href=\"https://go.example/{block}\" style=\"display:inline-block;padding:12px 24px;\
             border-radius:4px;background:linear-gradient(#3d4fd1,#2a3aa8);color:#ffffff\">Read on</a></div></div>",
            block + 1
        );
    }
    html.push_str("</body></html>");
    html
}
