"""Makes the pictures of the pages in docs/: `tests/browser/run --screenshots`."""

import pathlib
import sys
import tempfile

import pages

# Larger ones make a slow page of documentation.
MOST = 200_000

docs = pathlib.Path(sys.argv[1])
with tempfile.TemporaryDirectory() as directory:
    project = pages.changed(f"{directory}/acme", 8)
    plan = project.page("plan.html", "plan", "--format", "html", codes=(1,))
    graph = project.page("graph.html", "graph", "--actions", "--format", "html", codes=(0,))
    driver = pages.browser()
    try:
        for page, name, hash in [(plan, "plan-page", ""), (graph, "graph-page", "")]:
            pages.look(driver, 1200, 900)
            driver.get(f"{page.as_uri()}{hash}")
            if name == "graph-page":
                driver.find_element("css selector", "[data-node]").parent.execute_script(
                    "const title = [...document.querySelectorAll('[data-node] title')]"
                    ".find((title) => title.textContent.startsWith('instances.acme-003'));"
                    "location.hash = `n${title.parentNode.dataset.node}`"
                )
            driver.save_screenshot(str(docs / f"{name}.png"))
            size = (docs / f"{name}.png").stat().st_size
            assert size < MOST, f"{name}.png has {size} bytes"
    finally:
        driver.quit()
