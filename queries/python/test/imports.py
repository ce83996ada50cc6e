import os.path, json as j
#               ^^^^ json | * | j
#      ^^^^^^^ os.path | * | -
from typing import List, Dict as D
#                        ^^^^ typing | Dict | D
#                  ^^^^ typing | List | -
from . import sibling
#             ^^^^^^^ . | sibling | -
from ..pkg.mod import thing
#                     ^^^^^ ..pkg.mod | thing | -
from star import *
#    ^^^^ star | * | -
