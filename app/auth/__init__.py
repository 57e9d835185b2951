"""Credentials to Workspace: 401 here and only here."""
