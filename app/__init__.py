"""Entry, wiring and every way in: factory, API, authentication, scheduler, realtime."""
