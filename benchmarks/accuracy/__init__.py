"""How good are the classifiers that ConvScope trains, in which time?"""
