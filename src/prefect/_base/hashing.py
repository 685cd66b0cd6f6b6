import hashlib, pickle


def stable_digest(*o, on_unhashable=None):
    return hashlib.blake2b(pickle.dumps(o), digest_size=16).digest()
