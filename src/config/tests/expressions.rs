//! Expressions in strings.

use super::{only, requires, resource};
use crate::config::testing::{Project, load};
use crate::model::{Address, Path, Sensitive, Template, TemplatePart, Value};

fn parameter(written: &str) -> Value {
    let text = format!(
        "customers:\n  acme: {{ name: A }}\nservice_instances:\n  db:\n    space: a/b\n    plan: c/d\n    parameters:\n      \
         x: {written}\n"
    );
    let desired = load(&text).desired();
    let db = resource(&desired, "service_instances", "db");
    db.fields.get("parameters").and_then(Value::as_map).expect("a mapping")["x"].clone()
}

fn field(path: &str) -> TemplatePart {
    TemplatePart::Field { address: Address::new("customers", "acme"), path: Path::parse(path).expect("a path") }
}

#[test]
fn variables_are_put_in_and_keep_their_type_when_alone() {
    assert_eq!(parameter("${var.region}"), Value::text("eu-west-1"));
    assert_eq!(parameter("${var.seats}"), Value::Number(25.into()));
    assert_eq!(parameter("x-${var.seats}-${ var.region }"), Value::text("x-25-eu-west-1"));
    assert_eq!(parameter("$${var.region}"), Value::text("${var.region}"));
    assert_eq!(parameter("'costs $5'"), Value::text("costs $5"));
}

#[test]
fn a_sensitive_variable_makes_the_whole_string_sensitive() {
    assert_eq!(parameter("${var.password}"), Sensitive::wrap(Value::text("S3CRET")));
    assert_eq!(parameter("a ${var.password} b"), Sensitive::wrap(Value::text("a S3CRET b")));
    let template = Template {
        parts: vec![TemplatePart::Literal("S3CRET@".into()), field("domain")],
        sensitive: true,
        redacted: false,
    };
    assert_eq!(parameter("${var.password}@${customers.acme.domain}"), Value::Template(Box::new(template)));
}

#[test]
fn other_resources_stay_in_a_template() {
    let alone = Template { parts: vec![field("id")], sensitive: false, redacted: false };
    assert_eq!(parameter("${customers.acme.id}"), Value::Template(Box::new(alone)));
    let parts = vec![
        TemplatePart::Literal("x ${ eu-west-1 ".into()),
        field("slug"),
        field("created_at"),
        TemplatePart::Literal("!".into()),
    ];
    let mixed = Template { parts, sensitive: false, redacted: false };
    assert_eq!(
        parameter("'x $${ ${var.region} ${customers.acme.slug}${customers.acme.created_at}!'"),
        Value::Template(Box::new(mixed))
    );
}

#[test]
fn expressions_make_a_dependency_wherever_they_stand() {
    let text = "customers:\n  acme: { name: A }\n  beta: { name: B, domain: '${customers.acme.domain}' }\nlicenses:\n  \
                growth: { name: A, type: PAID, lifecycle: { timeout: 1m } }\nservice_instances:\n  db: { space: a/b, plan: c/d, \
                tags: ['${customers.acme.slug}'], parameters: { a: [{ b: '${licenses.growth.name}' }] } }\n";
    let desired = load(text).desired();
    assert_eq!(requires(&resource(&desired, "customers", "beta")), ["customers.acme"]);
    let db = resource(&desired, "service_instances", "db");
    assert_eq!(requires(&db), ["customers.acme", "licenses.growth"]);
    assert_eq!(desired.sources.text(db.requires[0].1), "${customers.acme.slug}");
}

#[test]
fn places_inside_strings_are_exact_or_the_whole_string() {
    for (written, shown) in [
        ("x ${var.nope} y", "${var.nope}"),
        ("'it''s ${var.nope}'", "${var.nope}"),
        ("\"tab\\t $${x} é${var.nope}\"", "${var.nope}"),
        ("\"\\u0024{var.nope}\"", "\"\\u0024{var.nope}\""),
        ("\"\\x24${x} ${var.nope}\"", "${var.nope}"),
        ("\"$\\x7bvar.region} ${var.nope}\"", "\"$\\x7bvar.region} ${var.nope}\""),
        ("\"${var.\\x6eope}\"", "\"${var.\\x6eope}\""),
        ("|\n        a\n        ${var.nope}", "${var.nope}"),
        (">-\n        a ${var.region}\n        b ${var.nope}\n", "${var.nope}"),
    ] {
        let text =
            format!("service_instances:\n  db:\n    space: a/b\n    plan: c/d\n    parameters:\n      x: {written}\n");
        let loaded = load(&text);
        assert_eq!(loaded.diagnostics.len(), 1, "{}", loaded.shown());
        let span = loaded.diagnostics[0].span().expect("it has a place");
        assert_eq!(loaded.sources.text(span), shown, "{written}");
    }
}

#[test]
fn an_expression_hidden_by_an_escape_is_not_taken_for_its_twin() {
    let written = "\"\\u0024{var.nope} ${var.nope}\"";
    let loaded = load(&format!("customers:\n  acme:\n    name: {written}\n"));
    let spans: Vec<_> =
        loaded.diagnostics.iter().map(|found| loaded.sources.text(found.span().expect("a place"))).collect();
    assert_eq!(spans, [written], "both are told at the whole string, and exact repeats once");
}

#[test]
fn an_alias_is_told_where_it_stands() {
    let text = "service_instances:\n  db:\n    space: a/b\n    plan: c/d\n    parameters: { x: &x 'v ${var.region}', y: *x }\n    \
                tags: [&t '${var.nope}', *t]\n";
    let loaded = load(text);
    let spans: Vec<_> =
        loaded.diagnostics.iter().map(|found| loaded.sources.text(found.span().expect("a place"))).collect();
    assert_eq!(spans, ["${var.nope}", "*t"]);
}

#[test]
fn expressions_that_cannot_be_read_say_what_is_meant() {
    let told = |expression: &str| only(&format!("customers:\n  acme: {{ name: 'x{expression}' }}\n"));
    for (expression, code, help) in [
        ("${var.regoin}", "unknown_variable", "did you mean `${var.region}`?"),
        ("${var.other}", "unknown_variable", "declare it in `trueup.toml`: `[variables.other]`"),
        ("${region}", "invalid_expression", "did you mean `${var.region}`?"),
        ("${HOME}", "invalid_expression", "an expression is `${section.key.field}` or `${var.name}`"),
        ("${}", "invalid_expression", "an expression is"),
        ("${var.region", "invalid_expression", "close it with `}`"),
        ("${var.a.b}", "invalid_expression", "an expression is"),
        ("${customers.acme}", "invalid_expression", "`${customers.acme.id}`"),
        ("${customer.acme.id}", "unresolved_reference", "did you mean `${customers.acme.id}`?"),
        ("${customers.acne.id}", "unresolved_reference", "did you mean `${customers.acme.id}`?"),
        ("${instances.nothing.id}", "unresolved_reference", "expressions read declared resources only"),
        ("${service_plans.a.guid}", "unresolved_reference", "write the value out"),
        ("${customers.acme.nmae}", "unknown_expression_field", "did you mean `name`?"),
        ("${customers.acme.guid}", "unknown_expression_field", "did you mean `id`?"),
        ("${customers.acme.externalCustomerId}", "unknown_expression_field", "did you mean `external_customer_id`?"),
        ("${customers.acme.name.first}", "unknown_expression_field", "end the expression with `.name}`"),
        ("${customers.acme.id.x}", "unknown_expression_field", "end the expression with `.id}`"),
    ] {
        let told = told(expression);
        assert!(told.starts_with(&format!("2:19 {code} | ")), "{told}");
        assert!(told.contains(help), "{told}");
    }
}

#[test]
fn what_an_expression_yields_must_fit_the_field() {
    let licenses = "licenses:\n  aa: { name: A, type: PAID, default: true, seats: 5 }\n";
    let fits =
        format!("{licenses}  bb: {{ name: 'x${{licenses.aa.seats}}', type: PAID, seats: '${{licenses.aa.seats}}' }}\n");
    assert_eq!(load(&fits).desired().resources.len(), 2);
    let told = only(&format!("{licenses}  bb: {{ name: B, type: PAID, seats: '${{licenses.aa.default}}' }}\n"));
    assert!(told.contains("`seats` takes an integer, and `licenses.aa.default` is a boolean"), "{told}");
    let told = only(&format!("{licenses}  bb: {{ name: B, type: PAID, seats: '1${{licenses.aa.seats}}' }}\n"));
    assert!(told.contains("`seats` takes an integer, and a string with expressions in it is a string"), "{told}");
    let told = only(&format!("{licenses}  bb: {{ name: B, type: '${{licenses.aa.name}}' }}\n"));
    assert!(told.contains("`type` cannot be `A`"), "a value known from these files is checked: {told}");
    let told = only("licenses:\n  bb: { name: B, type: PAID, seats: '${var.region}' }\n");
    assert!(told.contains("`seats` takes an integer, not a string"), "{told}");
    let told = only("licenses:\n  bb: { name: B, type: PAID, seats: '9${var.seats}' }\n");
    assert!(told.contains("`seats` takes an integer, not a string"), "{told}");
}

#[test]
fn no_problem_shows_a_secret() {
    let text = "customers:\n  acme: { name: '${var.password}', domain: '${var.password}' }\nlicenses:\n  aa: { name: A, type: \
                '${var.password}', default: '${var.password}', seats: '${var.password}', target: '${var.password}', \
                lifecycle: { timeout: '${var.password}', depends_on: ['${var.password}'], on_exists: '${var.password}' } }\n  \
                bb: { name: '${customers.acme.domain}', type: '${customers.acme.name}' }\norganizations:\n  x: { name: \
                'a${var.password}' }\n  y: { name: '${customers.acme.name}' }\nspaces:\n  z: { organization: { guid: \
                '${var.password}' } }\n";
    let loaded = load(text);
    let shown = loaded.shown();
    assert!(loaded.diagnostics.len() >= 10, "{shown}");
    assert!(!shown.contains("S3CRET"), "{shown}");
    assert!(shown.contains("a sensitive value cannot be part of `name`"), "{shown}");
}

#[test]
fn a_variable_without_a_value_is_not_told_again_where_it_is_used() {
    let text = "customers:\n  acme: { name: '${var.unset}', domain: 'x${var.unset}' }\ninstances:\n  one:\n    name: A\n    \
                customer: ${var.unset}\n    license: growth\n    start_license_date: ${var.unset}\n    end_license_date: \
                2027-09-01T00:00:00Z\n    slug: ${var.unset}\n";
    let loaded = Project::new().unset("unset").file("a.yaml", text).load();
    assert_eq!(loaded.brief(), [""; 0], "{}", loaded.shown());
    assert!(loaded.desired.is_none());
}
