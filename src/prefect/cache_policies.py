class CachePolicy:
    @classmethod
    def from_cache_key_fn(cls,f): return cls()
DEFAULT=CachePolicy(); NO_CACHE=CachePolicy()
