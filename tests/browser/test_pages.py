"""Both pages, as a browser shows them. TRUEUP_BIN makes them; nothing is compared pixel by pixel."""

import json
import time
from xml.etree import ElementTree

import pages
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

SIZES = [(1280, 900), (400, 800)]
SCHEMES = ["light", "dark"]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Each page there is, by what it is of."""
    root = tmp_path_factory.mktemp("pages")
    all_pages = {}
    for name, project in {
        "small": pages.changed(root / "small", 4),
        "large": pages.changed(root / "large", 100),
        "nasty": pages.nasty(root / "nasty"),
    }.items():
        codes = (0, 1)
        all_pages[name, "plan"] = project.page("plan.html", "plan", "--format", "html", codes=codes)
        all_pages[name, "graph"] = project.page("graph.html", "graph", "--actions", "--format", "html", codes=codes)
        all_pages[name, "svg"] = project.page("graph.svg", "graph", "--actions", "--format", "svg", codes=codes)
        all_pages[name, "declared"] = project.page("declared.html", "graph", "--format", "html")
    empty = pages.Project(root / "empty")
    empty.declare(all="customers: {}\n")
    all_pages["empty", "plan"] = empty.page("plan.html", "plan", "--format", "html")
    all_pages["empty", "graph"] = empty.page("graph.html", "graph", "--format", "html")
    return all_pages


@pytest.fixture(scope="session")
def chromium():
    driver = pages.browser()
    yield driver
    driver.quit()


@pytest.fixture
def opened(chromium, made):
    """Opens a page; afterwards nothing may have been asked for and nothing gone wrong."""

    def open_page(name, kind, fragment="", width=1280, height=900, scheme="light"):
        pages.look(chromium, width, height, scheme)
        chromium.get("about:blank")
        chromium.get_log("performance"), chromium.get_log("browser")
        chromium.get(made[name, kind].as_uri() + fragment)
        return chromium

    yield open_page
    own = {path.as_uri() for path in made.values()} | {"about:blank"}
    asked = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    urls = {message["params"]["request"]["url"] for message in asked if message["method"] == "Network.requestWillBeSent"}
    assert urls <= own, "asks for nothing"
    assert [entry["message"] for entry in chromium.get_log("browser")] == [], "nothing on the console"


def boxes(driver, selector):
    """What of a page is to be seen: x, y, width and height of each."""
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility())"
        ".map((one) => { const b = one.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })",
        selector,
    )


def overlaps(all_boxes):
    """Pairs that overlap by more than a hair."""
    found = []
    for at, (x, y, w, h) in enumerate(all_boxes):
        for other in all_boxes[at + 1 :]:
            a, b, c, d = other
            if x + 0.5 < a + c and a + 0.5 < x + w and y + 0.5 < b + d and b + 0.5 < y + h:
                found.append(((x, y, w, h), other))
    return found


def luminance(driver, selector, prop):
    """How bright a colour is, from 0 to 1."""
    text = driver.execute_script(
        "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector, prop
    )
    red, green, blue = [int(part) / 255 for part in text.split("(")[1].rstrip(")").split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(driver, front, back):
    one, other = sorted([luminance(driver, *front), luminance(driver, *back)])
    return (other + 0.05) / (one + 0.05)


def colours(driver):
    """How many different colours a picture of the page has, about: a blank one has one."""
    return driver.execute_async_script(
        """const done = arguments[1];
        const image = new Image();
        image.onload = () => {
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const data = context.getImageData(0, 0, image.width, image.height).data;
          const seen = new Set();
          for (let at = 0; at < data.length; at += 4) seen.add((data[at] >> 4) << 8 | (data[at + 1] >> 4) << 4 | data[at + 2] >> 4);
          done(seen.size);
        };
        image.src = arguments[0];""",
        "data:image/png;base64," + picture(driver),
    )


def picture(driver):
    taken = driver.get_screenshot_as_base64()
    # Looked at on an empty page: the policy of ours lets no picture in.
    driver.get("data:text/html,")
    return taken


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["small", "large", "nasty", "empty"])
@pytest.mark.parametrize("kind", ["plan", "graph"])
def test_a_page_fits_its_window(opened, name, kind, scheme, size):
    driver = opened(name, kind, width=size[0], height=size[1], scheme=scheme)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0], "nothing sticks out"
    for control in boxes(driver, "form input, form select, form button, h1, .filter output"):
        assert control[0] >= 0 and control[0] + control[2] <= size[0] + 0.5, control
    assert overlaps(boxes(driver, "form input, form select, form button")) == []
    assert contrast(driver, ("body", "color"), ("body", "backgroundColor")) > 7
    assert (luminance(driver, "body", "backgroundColor") > 0.5) == (scheme == "light")
    assert driver.title in ("Plan of acme", "Graph of acme") or name == "nasty"


def test_a_page_is_not_blank(chromium, made):
    for name, kind, least in [("small", "plan", 12), ("small", "graph", 12), ("small", "svg", 12)]:
        pages.look(chromium, 1280, 900)
        chromium.get(made[name, kind].as_uri())
        assert colours(chromium) >= least, (name, kind)
    chromium.get_log("browser"), chromium.get_log("performance")


@pytest.mark.parametrize("kind", ["plan", "graph", "declared", "svg"])
def test_what_others_wrote_stays_text(opened, made, kind):
    driver = opened("nasty", kind)
    assert "pwned" not in driver.title.replace(pages.EVIL, "").replace("`pwned`", "")
    assert driver.execute_script("return document.querySelectorAll('img, iframe, object, [onerror], [onload]').length") == 0
    assert len(driver.find_elements(By.CSS_SELECTOR, "script")) == (0 if kind == "svg" else 1)
    text = made["nasty", kind].read_text("utf-8")
    assert pages.SECRET not in text
    assert not any(char in text for char in "\u202e\u200b\u001b")
    if kind == "plan":
        assert "\\u{202e}" in driver.execute_script("return document.body.textContent")


def eventually(holds):
    """Waits for what a browser does after it has answered."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["small", "large", "nasty"])
def test_a_picture_is_well_formed_and_says_what_it_shows(made, name):
    picture = ElementTree.parse(made[name, "svg"]).getroot()
    space = "{http://www.w3.org/2000/svg}"
    title, about = picture.find(f"{space}title"), picture.find(f"{space}desc")
    assert picture.get("role") == "img" and picture.get("aria-labelledby") == f"{title.get('id')} {about.get('id')}"
    known = {"svg", "title", "desc", "style", "rect", "text", "g", "path", "defs", "marker"}
    assert {element.tag.removeprefix(space) for element in picture.iter()} <= known


def shown(driver):
    return len(boxes(driver, "article[data-action]"))


def test_a_plan_is_filtered_by_action_kind_file_and_words(opened):
    driver = opened("small", "plan")
    status = driver.find_element(By.CSS_SELECTOR, "output")
    everything = shown(driver)
    assert status.text == f"{everything} of {everything} shown"
    actions = [box.get_attribute("value") for box in driver.find_elements(By.NAME, "action")]
    assert {"create", "update", "replace", "delete", "blocked"} <= set(actions)
    for action in actions:
        box = driver.find_element(By.CSS_SELECTOR, f"[name=action][value={action}]")
        box.click()
        assert 0 < shown(driver) == len(boxes(driver, f"article[data-action={action}]")) < everything
        assert driver.current_url.endswith(f"#?action={action}")
        box.click()
    for name, attribute in [("kind", "data-kind"), ("file", "data-file")]:
        option = driver.find_elements(By.CSS_SELECTOR, f"select[name={name}] option")[1]
        value = option.get_attribute("value")
        # As with a keyboard: what Selenium does to a list is no input.
        driver.find_element(By.NAME, name).send_keys(option.text)
        eventually(lambda: 0 < shown(driver) == len(boxes(driver, f"article[{attribute}='{value}']")) < everything)
        driver.find_element(By.CSS_SELECTOR, "[type=reset]").click()
        eventually(lambda: shown(driver) == everything)
    driver.find_element(By.TAG_NAME, "body").send_keys("/")
    assert driver.switch_to.active_element.get_attribute("name") == "q"
    driver.switch_to.active_element.send_keys("renamed acme-000")
    assert shown(driver) == 1 and status.text == f"1 of {everything} shown"


def test_a_filter_is_part_of_the_address(opened):
    driver = opened("small", "plan", "#?action=delete")
    assert shown(driver) == len(boxes(driver, "article[data-action=delete]")) == 1
    driver = opened("small", "plan", "#?action=recover&kind=nothing")
    assert shown(driver) == 9, "what there is no box for filters nothing"


def test_values_stand_side_by_side_with_their_yaml(opened):
    driver = opened("small", "plan", "#?action=update&kind=customers")
    row = driver.find_element(By.CSS_SELECTOR, "article:not([hidden]) tbody tr")
    before, after, yaml = [
        row.find_element(By.CSS_SELECTOR, selector) for selector in ("td.removed", "td.added", "td.yaml")
    ]
    assert (before.text, after.text) == ("Acme 0", "Acme 0 (renamed)")
    assert yaml.text.endswith("name: Acme 0 (renamed)")
    assert before.rect["y"] == after.rect["y"] == yaml.rect["y"]
    assert before.rect["x"] < after.rect["x"] < yaml.rect["x"]


def view(driver):
    return [float(part) for part in driver.find_element(By.CSS_SELECTOR, ".canvas svg").get_dom_attribute("viewBox").split()]


def choose(driver, address):
    return driver.execute_script(
        "return [...document.querySelectorAll('[data-node]')].find((node) => "
        "node.querySelector('title').textContent.startsWith(arguments[0]))",
        address,
    )


@pytest.mark.parametrize("name", ["small", "large", "nasty"])
@pytest.mark.parametrize("kind", ["graph", "declared"])
def test_nothing_in_a_graph_overlaps_and_labels_are_inside(opened, name, kind):
    driver = opened(name, kind)
    driver.find_element(By.CSS_SELECTOR, "[data-zoom=fit]").click()
    nodes = boxes(driver, "[data-node] > rect:not(.stripe)")
    canvas = boxes(driver, ".canvas")[0]
    assert nodes and overlaps(nodes) == []
    for x, y, width, height in nodes:
        assert x >= canvas[0] and y >= canvas[1] and x + width <= canvas[0] + canvas[2] and y + height <= canvas[1] + canvas[3]
    outside = driver.execute_script(
        """return [...document.querySelectorAll("[data-node]")].filter((node) => {
          const frame = node.querySelector("rect").getBBox();
          return [...node.querySelectorAll("text")].some((text) => {
            const box = text.getBBox();
            return box.x < frame.x || box.x + box.width > frame.x + frame.width || box.width < 5;
          });
        }).map((node) => node.textContent)"""
    )
    assert outside == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_action_has_its_colour_and_labels_can_be_read(opened, scheme):
    driver = opened("small", "graph", scheme=scheme)
    actions = [box.get_attribute("value") for box in driver.find_elements(By.NAME, "action")]
    assert {"create", "update", "replace", "delete", "blocked", "unchanged"} <= set(actions)
    fills = {}
    for action in actions:
        node = f"[data-node].{action}"
        fills[action] = driver.execute_script(
            "return getComputedStyle(document.querySelector(arguments[0])).fill", f"{node} > rect"
        )
        for text in (f"{node} > text", f"{node} > text.kind"):
            assert contrast(driver, (text, "fill"), (f"{node} > rect", "fill")) > 4.5, action
    assert len({fills[action] for action in ("create", "update", "delete", "unchanged")}) == 4, fills


def test_a_graph_is_moved_and_zoomed(opened):
    driver = opened("large", "graph")
    canvas = driver.find_element(By.CSS_SELECTOR, ".canvas")
    first = view(driver)
    driver.find_element(By.CSS_SELECTOR, "[data-zoom=in]").click()
    nearer = view(driver)
    assert nearer[2] < first[2]
    ActionChains(driver).scroll_from_origin(ScrollOrigin.from_element(canvas), 0, 300).perform()
    assert view(driver)[2] > nearer[2]
    before = view(driver)
    ActionChains(driver).drag_and_drop_by_offset(canvas, -100, -50).perform()
    after = view(driver)
    assert after[0] > before[0] and after[1] > before[1] and after[2] == pytest.approx(before[2])
    driver.find_element(By.TAG_NAME, "body").send_keys("0")
    assert view(driver)[2] > after[2], "all of it"


def test_a_resource_that_is_chosen_is_told_of_with_its_neighbours(opened):
    driver = opened("small", "graph")
    choose(driver, "service_instances.database-001").find_element(By.TAG_NAME, "rect").click()
    [article] = [one for one in driver.find_elements(By.CSS_SELECTOR, "aside article") if one.is_displayed()]
    assert "service_instances.database-001" in article.text and "resources/databases.yaml:" in article.text
    assert "unchanged: " in article.text
    links = [link.text for link in article.find_elements(By.TAG_NAME, "a")]
    assert links == ["customers.acme-001", "instances.acme-001-production"]
    assert len(driver.find_elements(By.CSS_SELECTOR, ".edge.near")) == 2
    assert len(driver.find_elements(By.CSS_SELECTOR, ".node.near")) == 2
    article.find_element(By.TAG_NAME, "a").click()
    [article] = [one for one in driver.find_elements(By.CSS_SELECTOR, "aside article") if one.is_displayed()]
    assert "customers.acme-001" in article.find_element(By.TAG_NAME, "h2").text and "~" in article.text
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    assert boxes(driver, "aside article") == []


def test_keys_lead_from_one_resource_to_the_next(opened):
    driver = opened("small", "graph")
    driver.execute_script("arguments[0].focus()", choose(driver, "customers.acme-001"))
    focused = lambda: driver.switch_to.active_element.get_attribute("aria-label")
    for key, address in [
        (Keys.ARROW_RIGHT, "1"), (Keys.ARROW_LEFT, "customers.acme-001, update"),
    ]:
        driver.switch_to.active_element.send_keys(key)
        assert address in focused(), focused()
    driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert "customers.acme-001" in driver.find_element(By.CSS_SELECTOR, "article.chosen h2").text
    assert len(driver.find_elements(By.CSS_SELECTOR, "[data-node][tabindex='0']")) == 1


def test_a_graph_is_searched_and_filtered(opened):
    driver = opened("large", "graph")
    driver.find_element(By.TAG_NAME, "body").send_keys("/")
    search = driver.switch_to.active_element
    search.send_keys("acme-077-production")
    count = len(driver.find_elements(By.CSS_SELECTOR, "[data-node]:not(.dim)"))
    assert 0 < count < 5
    assert driver.find_element(By.CSS_SELECTOR, "output").text.startswith(f"{count} of ")
    search.send_keys(Keys.ENTER)
    chosen = boxes(driver, "[data-node].chosen > rect")[0]
    canvas = boxes(driver, ".canvas")[0]
    assert canvas[0] < chosen[0] < canvas[0] + canvas[2] and canvas[1] < chosen[1] < canvas[1] + canvas[3]
    driver = opened("large", "graph", "#?action=delete")
    assert len(driver.find_elements(By.CSS_SELECTOR, "[data-node]:not(.dim)")) == 1


def test_without_a_script_everything_is_shown(chromium, made):
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get(made["small", "graph"].as_uri())
        assert chromium.find_element(By.CSS_SELECTOR, ".canvas svg").is_displayed()
        assert all(article.is_displayed() for article in chromium.find_elements(By.CSS_SELECTOR, "article"))
        assert not chromium.find_element(By.NAME, "q").is_displayed()
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        chromium.get_log("browser"), chromium.get_log("performance")
