import functions_framework


@functions_framework.http
def create_order(request):
    return {"order": request.get_json()}
