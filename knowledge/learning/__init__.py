"""Models trained on confirmed cases: recognition of kinds, recommendation of plans, calibration.

Training runs in a process of its own and writes one file of arrays. The bot only reads that file.
"""
