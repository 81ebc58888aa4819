"""How quickly does each part of ConvScope work, beside other tools?"""
