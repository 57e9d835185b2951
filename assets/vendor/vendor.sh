#!/bin/sh
# Fetch the pinned browser libraries with npm and copy what the pages load. Run from this folder:  sh vendor.sh
# Nothing here runs at start-up or in the browser; the files are committed, so a page never asks another host.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --silent \
  bootstrap@5.3.9 bootstrap-icons@1.13.2 @fontsource-variable/inter@5.3.0 \
  @fontsource/noto-sans-arabic@5.3.0 plotly.js@4.1.1 esbuild@0.28.2 plotly.js-locales@3.7.0 \
  axe-core@4.14.1 swagger-ui-dist@5.35.0
n=node_modules
mkdir -p "$here/fonts"
cp $n/bootstrap/dist/css/bootstrap.min.css $n/bootstrap/dist/css/bootstrap.rtl.min.css "$here/"
cp $n/bootstrap-icons/font/bootstrap-icons.min.css "$here/"
cp $n/bootstrap-icons/font/fonts/bootstrap-icons.woff2 "$here/fonts/"
# Only the kinds of charts that components/charts draws. The smallest package with all of them takes 2.8 times as long
# to run: its loader of images throws, and at each throw Chromium parses the whole file again to tell where.
cat > charts.js <<'JAVASCRIPT'
module.exports = require("plotly.js/lib/core");
module.exports.register([require("plotly.js/lib/bar"), require("plotly.js/lib/box"), require("plotly.js/lib/heatmap")]);
JAVASCRIPT
$n/.bin/esbuild charts.js --bundle --minify --format=iife --global-name=Plotly --target=es2020 --define:global=window \
  --loader:.css=empty --legal-comments=eof --log-level=warning --outfile="$here/plotly-charts.min.js" \
  --banner:js="/*! plotly.js 4.1.1 with scatter, bar, box and heatmap. Copyright 2012-2026 Plotly, Inc. MIT License. */"
for part in latin latin-ext cyrillic greek; do
  cp "$n/@fontsource-variable/inter/files/inter-$part-wght-normal.woff2" "$here/fonts/"
done
for weight in 400 600; do
  cp "$n/@fontsource/noto-sans-arabic/files/noto-sans-arabic-arabic-$weight-normal.woff2" "$here/fonts/"
done
node -e '
  const names = ["fr", "es", "de", "pt-br", "it", "zh-cn", "ja", "ko", "ar"];
  const all = names.map((name) => require("plotly.js-locales/" + name + ".js"));
  // Names of months and signs of numbers come from CLDR: see components/charts/locales.py.
  for (const locale of all) delete locale.format;
  console.log("/* plotly.js-locales 3.7.0, MIT */\n" +
    "window.PlotlyLocales = (window.PlotlyLocales || []).concat(" + JSON.stringify(all) + ");\n" +
    "if (window.Plotly) Plotly.register(window.PlotlyLocales);");
' > "$here/plotly-locales.js"
cp $n/swagger-ui-dist/swagger-ui.css $n/swagger-ui-dist/swagger-ui-bundle.js "$here/"
cp $n/axe-core/axe.min.js "$here/../../tests/e2e/vendor/" 
# A source map reference would make developer tools ask for files that are not here.
sed -i -e 's#/\*\# sourceMappingURL=[^*]*\*/##' -e 's#^//\# sourceMappingURL=.*##' "$here"/*.css "$here"/*.js
# Only woff2 is shipped: drop the woff fallback from the icon style sheet.
sed -i 's#,url("fonts/bootstrap-icons.woff?[^)]*) format("woff")##' "$here/bootstrap-icons.min.css"
# Fixed weights for PDF reports: cutting them out of the variable font takes longer than a report. The hub's own Python has
# fontTools, which comes with WeasyPrint: run this with .venv/bin first in PATH.
python3 - "$here/fonts" <<'PYTHON'
import sys
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
for part in ("latin", "latin-ext"):
    for weight in (400, 600):
        font = TTFont(f"{sys.argv[1]}/inter-{part}-wght-normal.woff2")
        fixed = instantiateVariableFont(font, {"wght": weight})
        fixed.flavor = "woff2"
        fixed.save(f"{sys.argv[1]}/inter-{part}-{weight}-static.woff2")
PYTHON
rm -rf "$work"
