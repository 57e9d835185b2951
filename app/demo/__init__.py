"""The sample fleet: a customer's process. It knows the hub only by its public routes.

Eight models serve real predictions from data sets inside installed packages, six services call one
another, and scripted incidents break things on a clock. Everything it sends carries sample="true".
"""

from app.demo.run import run

__all__ = ["run"]
