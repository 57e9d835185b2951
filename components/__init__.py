"""How to show it: result in, Dash component or plain figure out; no fetching."""
