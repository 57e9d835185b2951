"""How a number is shown: values or engine results in, Dash components or plain-dict figures out.

Nothing here fetches. `shell` frames every page, `panel` and `kpi` frame every number, `charts`
draw, `live` keeps a page current, `states` stand where a number cannot be, `scope` reads the
address, `theme` owns every colour.
"""
