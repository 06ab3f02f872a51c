"""Models trained on confirmed cases: recognition and recommendation.

Training runs in a process of its own and writes one file of arrays. The bot only reads that file;
it never imports scikit-learn, which the modules named ``…training`` need.
"""
